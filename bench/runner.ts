import type { HostTensor } from '../src/support/tensor.ts';

/** A loaded model of one f32 input, in whichever runtime: one call is one whole run, input handed over and output taken. */
export interface Runner {
  readonly name: string;
  /** The values of the first output, the caller's to keep. */
  run(input: HostTensor): Float32Array | Promise<Float32Array>;
}
