import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import type { Runner } from '../runner.ts';

/** onnxruntime in WebAssembly on one thread. */
export async function ortWeb(model: Uint8Array): Promise<Runner> {
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  const [inputName = ''] = session.inputNames;
  const [outputName = ''] = session.outputNames;
  return {
    name: 'onnxruntime-web',
    async run(input) {
      const results = await session.run({
        [inputName]: new Tensor('float32', input.data as Float32Array, input.shape),
      });
      return results[outputName]?.data as Float32Array;
    },
  };
}
