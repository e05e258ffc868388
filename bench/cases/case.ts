import type { Module, SchemeName } from '../../src/index.ts';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import type { PeakName } from '../peaks.ts';
import type { TfOperation } from '../peers/tfjs.ts';
import type { InstructionPath } from '../qc.ts';

/** A single operation of one input `x` and constant weights, as qc and as onnxruntime know it. */
export interface KernelCase {
  readonly name: string;
  readonly multiplyAdds: number;
  /** Of the weights: what must be read at least. */
  readonly bytes: number;
  readonly module: () => Module;
  readonly scheme: SchemeName;
  /** Calibration data, where the scheme wants some; default: the input. */
  readonly input: HostTensor;
  /** The same as an ONNX model. */
  readonly onnx: Uint8Array;
  readonly onnxInput: HostTensor;
  /** Says what is wrong with qc's results, given onnxruntime's; undefined when they are right. */
  readonly error: (found: TypedArray, expected: TypedArray) => string | undefined;
  /** The same in TensorFlow.js, where it is float. */
  readonly tf?: TfOperation;
  /** The loops of one instruction that bound it. */
  readonly peaks?: Readonly<Record<InstructionPath, PeakName>>;
}

/** Accepts differences up to a number, after `offset` has been added to onnxruntime's results. */
export function largestError(tolerance: number, offset = 0): KernelCase['error'] {
  return (found, expected) => {
    let worst = found.length === expected.length ? 0 : Number.NaN;
    for (let i = 0; i < expected.length; i++) {
      worst = Math.max(worst, Math.abs(Number(expected[i]) + offset - Number(found[i])));
    }
    return worst <= tolerance ? undefined : `an error of ${worst}`;
  };
}

/** Accepts differences up to a share of onnxruntime's largest magnitude. */
export function relativeError(tolerance: number): KernelCase['error'] {
  return (found, expected) => {
    const most = (expected as Float32Array).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    return largestError(tolerance * most)(found, expected);
  };
}
