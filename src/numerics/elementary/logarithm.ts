/**
 * log, log1p, inverse hyperbolic functions and softplus in f64 from + − · / sqrt alone.
 * Method: x = 2^k·(1 + f) with 1 + f in [√½, √2); with s = f/(2 + f), log(1 + f) = 2·atanh(s), whose odd series
 * converges for |s| ≤ 0.1716; summed as f − (f²/2 − s·(f²/2 + R)), so that the leading term is exact.
 */

import { splitExponent } from '../bits.ts';
import { exp } from './exponential.ts';

const LN2_HIGH = 0.6931471803691238; // 32 bits, so that k·LN2_HIGH is exact
const LN2_LOW = 1.9082149292705877e-10;
const SQRT_HALF = Math.SQRT1_2;

/** 2/3, 2/5, …, 2/25: the remainder at s² ≤ 0.02944 is below 2^−64. */
const SERIES = [3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25].map((n) => 2 / n);

/** k·ln2 + log(1 + f) + tail, for 1 + f in [√½, √2) and a small tail. */
function logOfParts(k: number, f: number, tail: number): number {
  const s = f / (2 + f);
  const square = s * s;
  let series = 0;
  for (let i = SERIES.length - 1; i >= 0; i--) series = series * square + (SERIES[i] as number);
  const half = 0.5 * f * f;
  const correction = s * (half + square * series);
  if (k === 0) return f - (half - (correction + tail));
  return k * LN2_HIGH - (half - (correction + (k * LN2_LOW + tail)) - f);
}

/** Natural logarithm. Error below 1 ulp; log(±0) = −∞, log(x < 0) = NaN. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  const { f, e } = splitExponent(x);
  return f < SQRT_HALF ? logOfParts(e - 1, 2 * f - 1, 0) : logOfParts(e, f - 1, 0);
}

/** log(1 + x) without cancellation. Error below 2 ulp; log1p(−1) = −∞, log1p(±0) = ±0. */
export function log1p(x: number): number {
  if (x === 0 || x === Number.POSITIVE_INFINITY) return x;
  if (!(x > -1)) return x === -1 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x > -0.2928 && x < 0.4142) return logOfParts(0, x, 0);
  const u = 1 + x;
  // What 1 + x lost to rounding, relative to u.
  const lost = (x > 1 ? 1 - (u - x) : x - (u - 1)) / u;
  const { f, e } = splitExponent(u);
  return f < SQRT_HALF ? logOfParts(e - 1, 2 * f - 1, lost) : logOfParts(e, f - 1, lost);
}

/** Inverse hyperbolic sine. Error below 3 ulp. */
export function asinh(x: number): number {
  const a = Math.abs(x);
  if (a === 0 || Number.isNaN(x) || a === Number.POSITIVE_INFINITY) return x;
  const y = a > 2 ** 28 ? log(a) + Math.LN2 : log1p(a + (a * a) / (1 + Math.sqrt(a * a + 1)));
  return x < 0 ? -y : y;
}

/** Inverse hyperbolic cosine; NaN below 1. Error below 3 ulp. */
export function acosh(x: number): number {
  if (!(x >= 1)) return Number.NaN;
  if (x > 2 ** 28) return log(x) + Math.LN2;
  const t = x - 1;
  return log1p(t + Math.sqrt(2 * t + t * t));
}

/** Inverse hyperbolic tangent; NaN outside [−1, 1], infinite at ±1. Error below 3 ulp. */
export function atanh(x: number): number {
  const a = Math.abs(x);
  if (a === 0) return x;
  const y = 0.5 * log1p((2 * a) / (1 - a));
  if (!(a <= 1)) return Number.NaN;
  return x < 0 ? -y : y;
}

/** log(1 + e^x). Error below 2 ulp. */
export function softplus(x: number): number {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}
