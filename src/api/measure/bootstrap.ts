import { generator } from '../../text/index.ts';

/** A measured value and the interval that holds it with some confidence, as far as the choice of samples goes. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const draws = 1000;

/**
 * A value of all contributions, with the percentile interval of the bootstrap: samples are drawn with replacement, as
 * many as there are, 1000 times. The same seed draws the same samples, so that schemes are compared on equal terms.
 *
 * @param confidence of the interval: one of 0.9 ends at bounds that hold with 95 % each
 *
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 */
export function estimate<T>(
  contributions: readonly T[],
  conclude: (contributions: readonly T[]) => number,
  seed: number,
  confidence = 0.95,
): Estimate {
  const tail = (1 - confidence) / 2;
  const uniform = generator(seed);
  const count = contributions.length;
  const values = Float64Array.from({ length: draws }, () =>
    conclude(Array.from({ length: count }, () => contributions[Math.floor(uniform() * count)] as T)),
  )
    .filter((value) => !Number.isNaN(value))
    .sort();
  const value = conclude(contributions);
  return {
    value,
    low: values[Math.floor(tail * (values.length - 1))] ?? value,
    high: values[Math.ceil((1 - tail) * (values.length - 1))] ?? value,
  };
}
