/**
 * x^y in f64 from + − · / alone: e^(y·log x) with the logarithm as a pair of f64, small whole powers by multiplication
 * of pairs.
 */

import { scaleByPow2, splitExponent } from '../bits.ts';
import { addPairs, type DoubleDouble, dividePairs, multiplyPairs, twoProduct, twoSum } from './doubledouble.ts';
import { expOfSum } from './exponential.ts';

const LN2: DoubleDouble = { hi: Math.LN2, lo: 2.3190468138462996e-17 };
const ONE: DoubleDouble = { hi: 1, lo: 0 };
const SQRT_HALF = Math.SQRT1_2;

/** 2/5, 2/7, …, 2/27. */
const SERIES = [5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27].map((n) => 2 / n);
const TWO_THIRDS: DoubleDouble = { hi: 2 / 3, lo: 3.700743415417188e-17 };

/** log x of a positive finite x, relative error about 2^−64: 2·atanh((f − 1)/(f + 1)) + e·ln2. */
function logPair(x: number): DoubleDouble {
  let { f, e } = splitExponent(x);
  if (f < SQRT_HALF) {
    f *= 2;
    e--;
  }
  const s = dividePairs({ hi: f - 1, lo: 0 }, twoSum(f, 1));
  const square = multiplyPairs(s, s);
  let series = 0;
  for (let i = SERIES.length - 1; i >= 0; i--) series = series * square.hi + (SERIES[i] as number);
  const cubic = multiplyPairs(multiplyPairs(s, square), TWO_THIRDS);
  const rest = s.hi * square.hi * square.hi * series;
  const logF = addPairs(addPairs({ hi: 2 * s.hi, lo: 2 * s.lo }, cubic), { hi: rest, lo: 0 });
  return addPairs(multiplyPairs({ hi: e, lo: 0 }, LN2), logF);
}

/** |x|^n for a whole n of 1..64 in magnitude: correctly rounded but in about one case in 2^40. */
function wholePower(x: number, n: number): number {
  const { f, e } = splitExponent(x);
  let base: DoubleDouble = { hi: 2 * f, lo: 0 };
  let result = ONE;
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiplyPairs(result, base);
    base = multiplyPairs(base, base);
  }
  if (n < 0) result = dividePairs(ONE, result);
  const small = splitExponent(result.hi);
  return scaleByPow2(small.f, small.e + n * (e - 1));
}

/**
 * x^y with the special values of IEEE 754 pow, but pow(±1, ±∞) and pow(1, NaN) as in ONNX and C: 1.
 * Error below 2 ulp.
 */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const isWhole = Math.floor(y) === y;
  const isOdd = isWhole && Math.abs(y) < 2 ** 53 && Math.abs(y) % 2 === 1;
  const a = Math.abs(x);
  if (a === 0 || a === Number.POSITIVE_INFINITY) {
    const magnitude = (a === 0) === y > 0 ? 0 : Number.POSITIVE_INFINITY;
    const negative = isOdd && (Object.is(x, -0) || x < 0);
    return negative ? -magnitude : magnitude;
  }
  if (Math.abs(y) === Number.POSITIVE_INFINITY) {
    if (a === 1) return 1;
    return a > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0;
  }
  if (x < 0 && !isWhole) return Number.NaN;
  const magnitude = positivePower(a, y, isWhole);
  return x < 0 && isOdd ? -magnitude : magnitude;
}

function positivePower(a: number, y: number, isWhole: boolean): number {
  if (isWhole && Math.abs(y) <= 64) return wholePower(a, y);
  if (y === 0.5) return Math.sqrt(a);
  if (a === 1) return 1;
  const logarithm = logPair(a);
  const estimate = y * logarithm.hi;
  if (estimate > 800) return Number.POSITIVE_INFINITY;
  if (estimate < -800) return 0;
  // A y this large or small is out of the range of exact products; the estimate is then below 2^−60 and 1 is near.
  if (Math.abs(y) > 2 ** 400 || Math.abs(y) < 2 ** -400) return expOfSum(estimate, 0);
  const product = twoProduct(y, logarithm.hi);
  const exponent = twoSum(product.hi, product.lo + y * logarithm.lo);
  return expOfSum(exponent.hi, exponent.lo);
}
