import type { Sample } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** A sample that a model is judged by. */
export interface JudgedSample {
  readonly inputs: Sample;
  /** The right class of each row of the first output; a negative one is not scored. */
  readonly labels?: readonly number[];
  /** Rows of the first output that are no filler. Default: all. */
  readonly rows?: readonly number[];
}

/** What a sample contributes to a measure of quality. */
export type Contribution = readonly number[];

/** How answers are scored. */
export interface Score {
  readonly title: string;
  /** `share`: 0 to 1, of which differences are told in points; of other numbers in percent of the number. */
  readonly unit: 'share' | 'number';
  readonly better: 'more' | 'less';
  /** `index`: of the sample among those of the part. */
  contribute(output: HostTensor, sample: JudgedSample, index: number): Contribution;
  conclude(contributions: readonly Contribution[]): number;
}

/** A model with the data that it is calibrated and judged by. */
export interface Task {
  /** Of the model's file. */
  readonly name: string;
  /** Sizes that the model's structure depends on, and those that it leaves open. */
  readonly symbols?: Readonly<Record<string, number>>;
  readonly dims?: Readonly<Record<string, number>>;
  /** Inputs that go on from sample to sample, by the output that they come from. */
  readonly state?: Readonly<Record<string, string>>;
  /** Outputs that are compared with float; the first one is judged. */
  readonly outputs: readonly string[];
  readonly score?: Score;
  /** The best static or dynamic row of onnxruntime's quantizer, by signal to noise; absent where none was measured. */
  readonly peer?: {
    readonly configuration: string;
    readonly snr: number;
    readonly score?: { readonly value: number; readonly float: number };
  };
  calibration(): Iterable<Sample>;
  dev(): readonly JudgedSample[];
}

/** Every so many-th sample, so that `count` are left; streams are cut short instead. */
export function sampled(
  task: Task,
  count = Number.POSITIVE_INFINITY,
): readonly { sample: JudgedSample; index: number }[] {
  const all = task.dev().map((sample, index) => ({ sample, index }));
  if (task.state) return all.slice(0, count);
  const step = Math.max(1, Math.ceil(all.length / count));
  return all.filter((_, i) => i % step === 0);
}
