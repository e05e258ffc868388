import type { HostTensor } from '../src/support/tensor.ts';
import type { Runner } from './runner.ts';

/** How the results of a runner compare with those of a reference, over some rows. */
export interface Agreement {
  readonly rows: number;
  /** Largest absolute difference, as a share of the reference's range over all rows. */
  readonly error: number;
  /** Share of the rows with the same largest output. */
  readonly top1: number;
  /** 10·log10(Σ ref² / Σ (ref − out)²). */
  readonly snr: number;
}

function argMax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** The outputs of a runner, row by row. */
export async function outputsOf(runner: Runner, rows: readonly HostTensor[]): Promise<Float32Array[]> {
  const outputs: Float32Array[] = [];
  for (const row of rows) outputs.push(Float32Array.from(await runner.run(row)));
  return outputs;
}

export function agreement(actual: readonly Float32Array[], expected: readonly Float32Array[]): Agreement {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [worst, signal, noise, same] = [0, 0, 0, 0];
  expected.forEach((wanted, row) => {
    const found = actual[row] as Float32Array;
    if (argMax(found) === argMax(wanted)) same++;
    wanted.forEach((value, i) => {
      const difference = value - (found[i] ?? Number.NaN);
      low = Math.min(low, value);
      high = Math.max(high, value);
      worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, Math.abs(difference));
      signal += value * value;
      noise += difference * difference;
    });
  });
  const rows = expected.length;
  return { rows, error: worst / (high - low), top1: same / rows, snr: 10 * Math.log10(signal / noise) };
}
