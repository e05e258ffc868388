import { InferenceSession, Tensor } from 'onnxruntime-node';
import { onnxTypes, type Runner, type Values } from '../runner.ts';

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
    async run({ dtype, data, shape }) {
      const tensor = new Tensor(onnxTypes[dtype] ?? 'float32', data as Values, shape);
      const results = await session.run({ [inputName]: tensor });
      return results[outputName]?.data as Values;
    },
  };
}
