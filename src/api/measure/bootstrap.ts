import { generator } from '../../text/index.ts';

/** A measured value and the interval that holds it with 95 % confidence, as far as the choice of samples goes. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What each sample contributes to a ratio of sums. */
export interface Contributions {
  readonly parts: readonly number[];
  readonly wholes: readonly number[];
}

const draws = 1000;
const tail = 0.025;

/**
 * finish(Σ part / Σ whole), with the percentile interval of the bootstrap: samples are drawn with replacement, as many
 * as there are, 1000 times. The same seed draws the same samples, so that schemes are compared on equal terms.
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 */
export function estimate({ parts, wholes }: Contributions, finish: (ratio: number) => number, seed: number): Estimate {
  const count = parts.length;
  const uniform = generator(seed);
  const values = Float64Array.from({ length: draws }, () => {
    let [part, whole] = [0, 0];
    for (let i = 0; i < count; i++) {
      const drawn = Math.floor(uniform() * count);
      part += parts[drawn] as number;
      whole += wholes[drawn] as number;
    }
    return finish(part / whole);
  })
    .filter((value) => !Number.isNaN(value))
    .sort();
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const value = finish(sum(parts) / sum(wholes));
  return {
    value,
    low: values[Math.floor(tail * (values.length - 1))] ?? value,
    high: values[Math.ceil((1 - tail) * (values.length - 1))] ?? value,
  };
}
