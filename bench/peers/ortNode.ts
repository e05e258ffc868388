import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Runner } from '../runner.ts';

/** onnxruntime's native CPU build on one thread. */
export async function ortNode(model: Uint8Array): Promise<Runner> {
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
  const [inputName = ''] = session.inputNames;
  const [outputName = ''] = session.outputNames;
  return {
    name: 'onnxruntime-node',
    async run(input) {
      const results = await session.run({
        [inputName]: new Tensor('float32', input.data as Float32Array, input.shape),
      });
      return results[outputName]?.data as Float32Array;
    },
  };
}
