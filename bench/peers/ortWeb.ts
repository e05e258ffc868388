import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import { onnxTypes, type Runner, type Values } from '../runner.ts';

/** onnxruntime in WebAssembly on one thread. */
export async function ortWeb(model: Uint8Array): Promise<Runner> {
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  const [inputName = ''] = session.inputNames;
  const [outputName = ''] = session.outputNames;
  return {
    name: 'onnxruntime-web',
    async run({ dtype, data, shape }) {
      const tensor = new Tensor(onnxTypes[dtype] ?? 'float32', data as Values, shape);
      const results = await session.run({ [inputName]: tensor });
      return results[outputName]?.data as Values;
    },
  };
}
