import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import type { Runner } from '../runner.ts';
import { type OnnxFiles, sessionRunner } from './onnxruntime.ts';

/** onnxruntime in WebAssembly on one thread. */
export async function ortWeb({ bytes, external }: OnnxFiles): Promise<Runner> {
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
    ...(external && { externalData: external }),
  });
  return sessionRunner('onnxruntime-web', session, (type, data, shape) => new Tensor(type, data, shape));
}
