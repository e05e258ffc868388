/**
 * Fixed-point multipliers: a positive real scale as m·2^−s with integer m (docs/numeric-contract.md, "Multiplier").
 */

import { QcError } from '../support/diagnostics.ts';
import { pow2, splitExponent } from './bits.ts';
import { halfUp } from './rounding.ts';

/** A real factor m·2^−s. */
export interface Multiplier {
  readonly m: number;
  readonly s: number;
}

/** Smallest normal f32: scales below are refused. */
export const F32_MIN_NORMAL = 2 ** -126;

/** Whether x can be a scale: an f32, positive, finite and normal. */
export function isScale(x: number): boolean {
  return x >= F32_MIN_NORMAL && x < Number.POSITIVE_INFINITY && Math.fround(x) === x;
}

/** Throws a QcError unless x can be a scale; `where` names the layer for the message. */
export function checkScale(x: number, where?: string): void {
  if (isScale(x)) return;
  throw new QcError({
    what: `${x} cannot be a quantization scale`,
    where,
    why: 'a scale is a 32-bit float, positive, finite and normal (at least 2^-126)',
    help: 'calibrate this tensor again, or keep the layer in float',
  });
}

/** The real factor of a contraction, (Sx·Sw)/Sy in f64 in that order. An operation with one input has Sw = 1. */
export function realMultiplier(Sx: number, Sw: number, Sy: number, where?: string): number {
  checkScale(Sx, where);
  checkScale(Sw, where);
  checkScale(Sy, where);
  return (Sx * Sw) / Sy;
}

/**
 * The multiplier for 32-bit accumulators: m in 2^30..2^31−1 (smaller, even 0, where s would pass 62), s in 2..62.
 * @param sReal the real factor, positive and finite
 * @throws QcError where s would be below 2 (a factor of 2^29 and more)
 */
export function dyadicMultiplier(sReal: number, where?: string): Multiplier {
  return normalizedMultiplier(sReal, 31, where);
}

/**
 * The multiplier for 64-bit accumulators (16-bit activations): m in 2^14..2^15−1, s in 2..62, limits as above.
 * @throws QcError where s would be below 2 (a factor of 2^13 and more)
 */
export function dyadicMultiplier16(sReal: number, where?: string): Multiplier {
  return normalizedMultiplier(sReal, 15, where);
}

/** The multiplier for 16-bit operands whose sums fit 32 bits: the same factor m16·2^−s in the form of `dyadicMultiplier`. */
export function dyadicMultiplierFor(bits: number, sReal: number, where?: string): Multiplier {
  if (bits <= 8) return dyadicMultiplier(sReal, where);
  const { m, s } = dyadicMultiplier16(sReal, where);
  const up = Math.min(16, 62 - s);
  return { m: m * 2 ** up, s: s + up };
}

/**
 * The multiplier for 32-bit accumulators where activations or results have 16 bits: m in 2^30..2^31−2^8, a multiple of
 * 2^8 (f32's precision), so that shifts of channels that lie up to 8 apart can be made one.
 */
export function dyadicMultiplier24(sReal: number, where?: string): Multiplier {
  const { m, s } = normalizedMultiplier(sReal, 23, where);
  const up = Math.min(8, 62 - s);
  return { m: m * 2 ** up, s: s + up };
}

/** The least shift that all channels of a layer may have. */
const leastCommonShift = 32;

/**
 * `dyadicMultiplier24` for the channels of a layer. Where a channel's shift lies more than 8 above the least one, its m
 * is a multiple of 2 to their distance, so that all can have that shift: its results are smaller than those of the
 * largest channel by as many bits as its multiplier is less precise.
 */
export function dyadicMultipliers24(sReals: readonly number[], where?: string): Multiplier[] {
  const all = sReals.map((sReal) => dyadicMultiplier24(sReal, where));
  const least = all.reduce((s, one) => Math.min(s, one.s), 62);
  return all.map(({ m, s }) => {
    const unit = 2 ** Math.min(31, Math.max(8, s - Math.max(least, leastCommonShift)));
    return { m: Math.min(halfUp(m / unit) * unit, 2 ** 31 - unit), s };
  });
}

function normalizedMultiplier(sReal: number, bits: number, where: string | undefined): Multiplier {
  if (!(sReal > 0 && sReal < Number.POSITIVE_INFINITY)) {
    throw new QcError({ what: `cannot rescale by ${sReal}`, where, why: 'a factor is positive and finite' });
  }
  const { f, e } = splitExponent(sReal);
  let m = halfUp(f * pow2(bits));
  let s = bits - e;
  if (m === pow2(bits)) {
    m = pow2(bits - 1);
    s--;
  }
  if (s < 2) {
    throw new QcError({
      what: `the rescaling factor ${sReal} is too large`,
      where,
      why: `the scale of the result is more than 2^${bits - 2} times finer than one step of the sum`,
      help: 'calibrate the result of this layer again: its range looks far too small',
    });
  }
  if (s <= 62) return { m, s };
  return { m: s - 62 > bits + 1 ? 0 : halfUp(m * pow2(62 - s)), s: 62 };
}

/**
 * The multiplier of rounding `gemmlowp`: m in 2^30..2^31−1 and s as for `dyadicMultiplier`, without its limits;
 * factors below 2^−32 use m = 0, factors of 2^30 and more the largest m with s = 1
 * (QuantizeMultiplier of TensorFlow Lite, whose shift is 31 − s).
 */
export function gemmlowpMultiplier(sReal: number): Multiplier {
  if (sReal === 0) return { m: 0, s: 31 };
  const { f, e } = splitExponent(sReal);
  const m = halfUp(f * 2 ** 31);
  const s = 31 - e - (m === 2 ** 31 ? 1 : 0);
  if (s > 62) return { m: 0, s: 31 };
  if (s < 1) return { m: 2 ** 31 - 1, s: 1 };
  return { m: m === 2 ** 31 ? 2 ** 30 : m, s };
}

/** Multipliers of a sum of rescaled values, one an operand, with one shift. */
export interface SumMultipliers {
  readonly m: readonly number[];
  readonly s: number;
}

/**
 * Multipliers of a residual add, a subtraction or (with one operand) a concat operand, for 8-bit codes.
 * s is the largest in 1..30 with every half_up(S_i/Sy·2^s) < 2^21, from four operands on ≤ ⌊6316128/n⌋, so that
 * Σ (x_i − z_i)·m_i + 2^(s−1) fits 32 bits.
 * @param scales S_i of the operands; a negative number stands for a subtracted operand of scale |S_i|
 * @throws QcError where no s fits
 */
export function sumMultipliers(scales: readonly number[], Sy: number, where?: string): SumMultipliers {
  const n = scales.length;
  return sharedShift(scales, Sy, n < 4 ? 2 ** 21 - 1 : Math.floor(6316128 / n), where);
}

/** The same when any operand or the result has 16 bits: every |m_i| < 2^31, sums in 64 bits, s ≤ 30 too. */
export function sumMultipliers16(scales: readonly number[], Sy: number, where?: string): SumMultipliers {
  return sharedShift(scales, Sy, 2 ** 31 - 1, where);
}

/**
 * The same when an operand has 32 bits, as exact products of 16-bit codes have: every |m_i| < 2^30, s in 1..45, so that
 * scales far below the result's keep their precision, and the sum of two stays below 2^62.
 */
export function sumMultipliers32(scales: readonly number[], Sy: number, where?: string): SumMultipliers {
  return sharedShift(scales, Sy, 2 ** 30 - 1, where, 45);
}

/** The shift of products of codes of 32 and of at most 16 bits: they reach as far as those of 32 bits did. */
export const carriedShift = 15;

function sharedShift(
  scales: readonly number[],
  Sy: number,
  limit: number,
  where: string | undefined,
  most = 30,
): SumMultipliers {
  checkScale(Sy, where);
  for (const scale of scales) checkScale(Math.abs(scale), where);
  const factors = scales.map((scale) => Math.abs(scale) / Sy);
  for (let s = most; s >= 1; s--) {
    const magnitudes = factors.map((factor) => halfUp(factor * pow2(s)));
    if (magnitudes.every((m) => m <= limit)) {
      return { m: magnitudes.map((m, i) => ((scales[i] as number) < 0 ? 0 - m : m)), s };
    }
  }
  throw new QcError({
    what: 'the operands of a sum have scales too far above the scale of its result',
    where,
    why: `the largest factor is ${Math.max(...factors)}, the limit ${limit}/2`,
    help: 'calibrate the result of this layer again: its range looks far too small',
  });
}
