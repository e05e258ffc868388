import type { HostTensor } from '../src/support/tensor.ts';

export type Values = Float32Array | Int8Array | Uint8Array;

/** A loaded model of one input, in whichever runtime: one call is one whole run, input handed over and output taken. */
export interface Runner {
  readonly name: string;
  /** The values of the first output, the caller's to keep. */
  run(input: HostTensor): Values | Promise<Values>;
  /** Milliseconds of `runs` runs, where the runner counts them itself: a program in a process of its own. */
  time?(input: HostTensor, runs: number): Promise<number>;
  /** Ends what the runner has started. */
  close?(): void;
}

/** What onnxruntime calls the element types of inputs here. */
export const onnxTypes: Readonly<Record<string, 'float32' | 'uint8'>> = { f32: 'float32', u8: 'uint8' };
