import type { Module, Value } from '../../src/ir/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { interpreterProbe } from './interpreterProbe.ts';

/** Rows of a value (along one of its axes) on calibration samples: of each channel the range over all rows, and some rows whole. */
export interface SampledRows {
  readonly channels: number;
  /** Row-major [count, channels]. */
  readonly rows: Float32Array;
  readonly count: number;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Rows that are kept of a sample, evenly spread, and of all samples. */
const rowsOfSample = 16;
const mostRows = 128;

/** The numbers of the rows that are kept of a sample of `count`, where `kept` are there already. */
export function rowsToKeep(count: number, kept: number): number[] {
  const taken = Math.max(0, Math.min(count, rowsOfSample, mostRows - kept));
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken));
}

/**
 * Runs the calibration samples and collects rows of some values of @main.
 * @param axes the values, and the axis of each that has its channels; of a list the last one
 * @param what the pass asks for, for the message
 * @throws QcError without calibration samples
 */
export async function sampleRows(
  module: Module,
  axes: readonly Value[] | ReadonlyMap<Value, number>,
  context: PassContext,
  what: string,
): Promise<Map<Value, SampledRows>> {
  const values = [...('get' in axes ? axes.keys() : axes)];
  const probe = await (context.probe ?? interpreterProbe)(module, values);
  const collectors = values.map(() => new Collector());
  for (const sample of samplesOf(context, what)) {
    probe.run(sample, (i, { data, shape }) => {
      const axis = 'get' in axes ? (axes.get(values[i] as Value) as number) : shape.length - 1;
      collectors[i]?.add(data as Float32Array, shape, axis);
    });
  }
  return new Map(values.map((value, i) => [value, (collectors[i] as Collector).take()]));
}

/** @throws QcError where there are none, or statistics alone */
export function samplesOf({ calibration }: PassContext, what: string): NonNullable<PassContext['calibration']> {
  if (calibration) return calibration;
  throw new QcError({
    what: `${what} needs calibration samples`,
    why: 'it looks at activations of single channels, which statistics of ranges do not hold',
    help: 'give samples with --calibrate DATA',
  });
}

class Collector {
  readonly #kept: Float32Array[] = [];
  #low = new Float64Array(0);
  #high = new Float64Array(0);

  add(data: Float32Array, shape: readonly number[], axis: number): void {
    const channels = shape[axis] as number;
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    if (this.#low.length === 0) {
      this.#low = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
      this.#high = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
    }
    for (let i = 0; i < data.length; i++) {
      const [x, c] = [data[i] as number, Math.floor(i / inner) % channels];
      if (x < (this.#low[c] as number)) this.#low[c] = x;
      if (x > (this.#high[c] as number)) this.#high[c] = x;
    }
    for (const row of rowsToKeep(data.length / channels, this.#kept.length)) {
      const from = Math.floor(row / inner) * channels * inner + (row % inner);
      this.#kept.push(Float32Array.from({ length: channels }, (_, c) => data[from + c * inner] as number));
    }
  }

  take(): SampledRows {
    const channels = this.#low.length;
    const rows = new Float32Array(this.#kept.length * channels);
    this.#kept.forEach((row, i) => {
      rows.set(row, i * channels);
    });
    return { channels, rows, count: this.#kept.length, low: this.#low, high: this.#high };
  }
}
