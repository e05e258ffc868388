import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Runner } from '../runner.ts';
import { type OnnxFiles, sessionRunner } from './onnxruntime.ts';

/** onnxruntime's native CPU build on one thread. */
export async function ortNode({ bytes, external }: OnnxFiles): Promise<Runner> {
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    ...(external && { externalData: external }),
  });
  return sessionRunner('onnxruntime-node', session, (type, data, shape) => new Tensor(type, data, shape));
}
