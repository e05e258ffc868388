/**
 * exp, expm1, sinh, cosh, tanh, sigmoid in f64 from + − · / alone.
 * Method: x = k·ln2 + r with |r| ≤ ½·ln2 and ln2 in two parts (W. J. Cody & W. Waite, 1980), Taylor series in r.
 */

import { scaleByPow2 } from '../bits.ts';

const LN2_HIGH = 0.6931471803691238; // 32 bits, so that k·LN2_HIGH is exact
const LN2_LOW = 1.9082149292705877e-10;
const LOG2_E = Math.LOG2E;

/** 1/3!, 1/4!, …, 1/14!: the remainder at |r| ≤ 0.3466 is below 2^−60. */
const INVERSE_FACTORIALS = [
  6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600, 6227020800, 87178291200,
].map((n) => 1 / n);

/** e^r − 1 − r for |r| ≤ 0.35. */
function expTail(r: number): number {
  let sum = 0;
  for (let i = INVERSE_FACTORIALS.length - 1; i >= 0; i--) sum = sum * r + (INVERSE_FACTORIALS[i] as number);
  return r * r * (0.5 + r * sum);
}

/** e^(x + tail), where |tail| is at most about an ulp of x. Error below 1 ulp. */
export function expOfSum(x: number, tail: number): number {
  if (!(x > -746)) return Number.isNaN(x) ? x : 0;
  if (x > 710) return Number.POSITIVE_INFINITY;
  const k = Math.floor(x * LOG2_E + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW - tail;
  const r = high - low;
  // (high − r) − low is what was lost in r.
  const lost = high - r - low;
  return scaleByPow2(1 + (r + (expTail(r) + lost + lost * r)), k);
}

/** e^x. Error below 1 ulp; exp(0) = 1, exp(−∞) = 0, exp(∞) = ∞, NaN stays NaN. */
export function exp(x: number): number {
  return expOfSum(x, 0);
}

/** e^x − 1 without cancellation. Error below 2 ulp; expm1(±0) = ±0, expm1(−∞) = −1. */
export function expm1(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x;
  if (x > 710) return Number.POSITIVE_INFINITY;
  if (x < -50) return -1;
  const k = Math.floor(x * LOG2_E + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const lost = high - r - low;
  const e = r + (expTail(r) + lost + lost * r);
  if (k === 0) return e;
  if (k > 60) return scaleByPow2(1 + e, k);
  const inverse = scaleByPow2(1, -k);
  return scaleByPow2(e + (1 - inverse), k);
}

/** Hyperbolic sine. Error below 3 ulp. */
export function sinh(x: number): number {
  const a = Math.abs(x);
  if (a === 0 || Number.isNaN(x)) return x;
  const sign = x < 0 ? -0.5 : 0.5;
  if (a > 700) {
    const root = exp(a * 0.5);
    return sign * root * root;
  }
  const t = expm1(a);
  return sign * (t + t / (t + 1));
}

/** Hyperbolic cosine. Error below 3 ulp. */
export function cosh(x: number): number {
  const a = Math.abs(x);
  if (a > 700) {
    const root = exp(a * 0.5);
    return 0.5 * root * root;
  }
  const t = exp(a);
  return 0.5 * t + 0.5 / t;
}

/** Hyperbolic tangent. Error below 2 ulp; tanh(±∞) = ±1, tanh(±0) = ±0. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a === 0 || Number.isNaN(x)) return x;
  if (a > 22) return x < 0 ? -1 : 1;
  const t = a >= 1 ? 1 - 2 / (expm1(2 * a) + 2) : tanhSmall(expm1(-2 * a));
  return x < 0 ? -t : t;
}

function tanhSmall(t: number): number {
  return -t / (t + 2);
}

/** 1/(1 + e^−x). Error below 2 ulp. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}
