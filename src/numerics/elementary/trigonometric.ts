/**
 * sin, cos, tan and their inverses in f64 from + − · / sqrt alone.
 * Method: reduction to |r| ≤ π/4 with π/2 in three parts (W. J. Cody & W. Waite, 1980) for |x| < 2^19·π/2, in
 * integers beyond (M. Payne & R. Hanek, 1983); Taylor series in r.
 */

import { pow2, splitExponent } from '../bits.ts';
import { twoSum } from './doubledouble.ts';

const PI_HALF_1 = 1.5707963267341256; // 33 bits
const PI_HALF_2 = 6.077100506303966e-11; // 33 bits
const PI_HALF_3 = 2.0222662487959506e-21;

/** −1/3!, 1/5!, … and −1/2!, 1/4!, …: the remainders at |r| ≤ π/4 are below 2^−62. */
const SIN_SERIES = [-6, 120, -5040, 362880, -39916800, 6227020800, -1307674368000, 355687428096000].map((n) => 1 / n);
const COS_SERIES = [24, -720, 40320, -3628800, 479001600, -87178291200, 20922789888000, -6402373705728000].map(
  (n) => 1 / n,
);

/** x = quadrant·π/2 + r + tail. */
interface Reduced {
  readonly quadrant: number;
  readonly r: number;
  readonly tail: number;
}

function reduce(x: number): Reduced {
  if (Math.abs(x) <= 0.7853981633974483) return { quadrant: 0, r: x, tail: 0 };
  if (Math.abs(x) > 823549) return reduceLarge(x);
  const k = Math.floor(x * 0.6366197723675814 + 0.5);
  const first = twoSum(x - k * PI_HALF_1, -k * PI_HALF_2);
  const second = twoSum(first.hi, first.lo - k * PI_HALF_3);
  return { quadrant: k & 3, r: second.hi, tail: second.lo };
}

/** Fraction bits of the fixed-point reduction: 1024 of the largest exponent, 160 of precision. */
const FRACTION_BITS = 1184n;
let piHalfFixed: bigint | undefined;

/** π/2 in fixed point, by Machin's formula π/4 = 4·atan(1/5) − atan(1/239) with 32 guard bits. */
function piHalf(): bigint {
  const one = 1n << (FRACTION_BITS + 32n);
  const atanInverse = (n: bigint): bigint => {
    let sum = 0n;
    let power = one / n;
    for (let i = 1n; power !== 0n; i += 2n, power /= -n * n) sum += power / i;
    return sum;
  };
  piHalfFixed ??= (2n * (4n * atanInverse(5n) - atanInverse(239n))) >> 32n;
  return piHalfFixed;
}

function reduceLarge(x: number): Reduced {
  const { f, e } = splitExponent(Math.abs(x));
  // e ≥ 20 here, so that x is the integer f·2^53 scaled by 2^(e − 53).
  const fixed = BigInt(f * 2 ** 53) << (FRACTION_BITS + BigInt(e) - 53n);
  const step = piHalf();
  const k = (2n * fixed + step) / (2n * step);
  const rest = fixed - k * step;
  const top = Number(rest >> (FRACTION_BITS - 160n));
  const r = top * pow2(-160);
  const tail = Number((rest >> (FRACTION_BITS - 160n)) - BigInt(top)) * pow2(-160);
  const quadrant = Number(k & 3n);
  return x > 0 ? { quadrant, r, tail } : { quadrant: -quadrant & 3, r: -r, tail: -tail };
}

function sinKernel(r: number, tail: number): number {
  const z = r * r;
  let sum = 0;
  for (let i = SIN_SERIES.length - 1; i >= 0; i--) sum = sum * z + (SIN_SERIES[i] as number);
  return r + (tail * (1 - 0.5 * z) + r * z * sum);
}

function cosKernel(r: number, tail: number): number {
  const z = r * r;
  let sum = 0;
  for (let i = COS_SERIES.length - 1; i >= 0; i--) sum = sum * z + (COS_SERIES[i] as number);
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + (z * z * sum - r * tail));
}

/** Sine. Error below 1 ulp for every finite x; NaN for infinities. */
export function sin(x: number): number {
  if (x === 0 || !(Math.abs(x) < Number.POSITIVE_INFINITY)) return x === 0 ? x : Number.NaN;
  const { quadrant, r, tail } = reduce(x);
  const y = quadrant % 2 === 0 ? sinKernel(r, tail) : cosKernel(r, tail);
  return quadrant < 2 ? y : -y;
}

/** Cosine. Error below 1 ulp for every finite x; NaN for infinities. */
export function cos(x: number): number {
  if (!(Math.abs(x) < Number.POSITIVE_INFINITY)) return Number.NaN;
  const { quadrant, r, tail } = reduce(x);
  const y = quadrant % 2 === 0 ? cosKernel(r, tail) : sinKernel(r, tail);
  return quadrant === 0 || quadrant === 3 ? y : -y;
}

/** Tangent. Error below 3 ulp. */
export function tan(x: number): number {
  if (x === 0 || !(Math.abs(x) < Number.POSITIVE_INFINITY)) return x === 0 ? x : Number.NaN;
  const { quadrant, r, tail } = reduce(x);
  const s = sinKernel(r, tail);
  const c = cosKernel(r, tail);
  return quadrant % 2 === 0 ? s / c : -c / s;
}

/** Break points of atan: atan(x) = atan(c) + atan((x − c)/(1 + c·x)), the second argument within ±7/16. */
const ATAN_POINTS = [
  { below: 0.4375, c: 0, high: 0, low: 0 },
  { below: 0.6875, c: 0.5, high: 0.4636476090008061, low: 2.2698777452961687e-17 },
  { below: 1.1875, c: 1, high: 0.7853981633974483, low: 3.061616997868383e-17 },
  { below: 2.4375, c: 1.5, high: 0.982793723247329, low: 1.3903311031230998e-17 },
];
const ATAN_SERIES = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? -1 : 1) / (2 * i + 3));

/** Inverse tangent. Error below 1.5 ulp. */
export function atan(x: number): number {
  const a = Math.abs(x);
  if (a === 0 || Number.isNaN(x)) return x;
  const point = ATAN_POINTS.find((p) => a < p.below) ?? { c: 0, high: 1.5707963267948966, low: 6.123233995736766e-17 };
  const t = a >= 2.4375 ? -1 / a : point.c === 0 ? a : (a - point.c) / (1 + point.c * a);
  const z = t * t;
  let sum = 0;
  for (let i = ATAN_SERIES.length - 1; i >= 0; i--) sum = sum * z + (ATAN_SERIES[i] as number);
  const y = point.high + (point.low + t * z * sum + t);
  return x < 0 ? -y : y;
}

/** Inverse sine; NaN outside [−1, 1]. Error below 4 ulp. */
export function asin(x: number): number {
  if (x === 0) return x;
  return atan(x / Math.sqrt((1 - x) * (1 + x)));
}

/** Inverse cosine; NaN outside [−1, 1]. Error below 4 ulp. */
export function acos(x: number): number {
  return 2 * atan(Math.sqrt((1 - x) / (1 + x)));
}
