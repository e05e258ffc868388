/** Exact fractions of BigInt, for the few places where a compiler must decide a tie exactly. */

import { splitExponent } from './bits.ts';

/** numerator/denominator, not reduced, denominator > 0. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** The exact value of a finite f64. */
export function rational(x: number): Rational {
  if (x === 0) return { n: 0n, d: 1n };
  const { f, e } = splitExponent(Math.abs(x));
  const whole = BigInt(f * 2 ** 53) * (x < 0 ? -1n : 1n);
  return e >= 53 ? { n: whole << BigInt(e - 53), d: 1n } : { n: whole, d: 1n << BigInt(53 - e) };
}

export function add(a: Rational, b: Rational): Rational {
  return { n: a.n * b.d + b.n * a.d, d: a.d * b.d };
}

export function multiply(a: Rational, b: Rational): Rational {
  return { n: a.n * b.n, d: a.d * b.d };
}

/** a/b; b must not be zero. */
export function divide(a: Rational, b: Rational): Rational {
  return b.n < 0n ? { n: -a.n * b.d, d: -b.n * a.d } : { n: a.n * b.d, d: b.n * a.d };
}

/** Sign of a − b. */
export function compare(a: Rational, b: Rational): -1 | 0 | 1 {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
