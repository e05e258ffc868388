import type { Outputs } from './runner.ts';

/** How the results of a runner compare with those of a reference, over some samples. */
export interface Agreement {
  /** Largest absolute difference, as a share of that output's range over the samples. */
  readonly error: number;
  /** 10·log10(Σ ref² / Σ (ref − out)²), all outputs together. */
  readonly snr: number;
}

/** Compares all outputs by name. */
export function agreement(actual: readonly Outputs[], expected: readonly Outputs[]): Agreement {
  let [worst, signal, noise] = [0, 0, 0];
  for (const name of Object.keys(expected[0] ?? {})) {
    let [low, high, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    expected.forEach((outputs, sample) => {
      const wanted = outputs[name] as Float32Array;
      const found = actual[sample]?.[name];
      for (let i = 0; i < wanted.length; i++) {
        const value = Number(wanted[i]);
        const difference = value - Number(found?.[i]);
        low = Math.min(low, value);
        high = Math.max(high, value);
        most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, Math.abs(difference));
        signal += value * value;
        noise += difference * difference;
      }
    });
    worst = Math.max(worst, most / (high - low || Math.abs(high) || 1));
  }
  return { error: worst, snr: 10 * Math.log10(signal / noise) };
}
