import type { HostTensor, TypedArray } from '../src/support/tensor.ts';

/** Tensors by name. */
export type Inputs = Readonly<Record<string, HostTensor>>;
/** The elements of the outputs, by name. */
export type Outputs = Readonly<Record<string, TypedArray>>;

/** A loaded model, in whichever runtime: one call is one whole run, inputs handed over and outputs taken. */
export interface Runner {
  readonly name: string;
  /** The outputs, the caller's until the next run. */
  run(inputs: Inputs): Outputs | Promise<Outputs>;
  /** Milliseconds of `runs` runs, where the runner counts them itself: a program in a process of its own. */
  time?(inputs: Inputs, runs: number): Promise<number>;
  /** Ends what the runner has started. */
  close?(): void;
}

/** The only output of a run. */
export const onlyOutput = (outputs: Outputs): TypedArray => Object.values(outputs)[0] as TypedArray;
