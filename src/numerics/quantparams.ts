/** Choice of scales and zero points of activations (docs/numeric-contract.md, "Activations"). */

import { QcError } from '../support/diagnostics.ts';
import { F32_MIN_NORMAL } from './multiplier.ts';
import { clamp, halfEven } from './rounding.ts';

/** real = (code − zeroPoint)·scale. */
export interface ActivationParams {
  /** f32, positive and normal. */
  readonly scale: number;
  /** In the range of the signed storage type; add 2^(bits−1) for unsigned storage. */
  readonly zeroPoint: number;
}

/**
 * Asymmetric parameters at compile time, in f64: S = fl32((max − min)/(2^bits − 1)),
 * z = clamp(half_even(−2^(bits−1) − min/S)). The range is extended to contain 0 first. With 16 bits:
 * z = 0 and S = fl32(absmax/32767). S below 2^−126 is degenerate: S = 1.
 * @param min smallest value seen (an f32 or f64 value)
 * @param bits 2..8, or 16
 * @throws QcError where min or max is not finite, min > max, or S overflows f32
 */
export function chooseActivationParams(min: number, max: number, bits = 8, where?: string): ActivationParams {
  checkRange(min, max, where);
  if (bits === 16) {
    const scale = Math.fround(Math.max(Math.abs(min), Math.abs(max)) / 32767);
    return { scale: scale < F32_MIN_NORMAL ? 1 : scale, zeroPoint: 0 };
  }
  const lo = Math.min(min, 0);
  const hi = Math.max(max, 0);
  const scale = orOne(Math.fround((hi - lo) / (2 ** bits - 1)));
  checkFinite(scale, min, max, where);
  return { scale, zeroPoint: zeroPointOf(lo / scale, bits) };
}

/**
 * Asymmetric 8-bit parameters at run time, in f32 alone: S = fl32(fl32(max − min)/255),
 * z = clamp(half_even(−fl32(min/S)) − 128). S below 2^−126 is degenerate: S = 1.
 * @param min smallest value of the tensor or token, an f32
 * @throws QcError where min or max is not finite or fl32(max − min) overflows
 */
export function chooseDynamicParams(min: number, max: number, where?: string): ActivationParams {
  checkRange(min, max, where);
  const lo = Math.min(min, 0);
  const hi = Math.max(max, 0);
  const scale = orOne(Math.fround(Math.fround(hi - lo) / 255));
  checkFinite(scale, min, max, where);
  return { scale, zeroPoint: zeroPointOf(Math.fround(lo / scale), 8) };
}

/**
 * Symmetric 8-bit parameters at run time: S = fl32(absmax/127), z = 0. S below 2^−126 is degenerate: S = 1.
 * @throws QcError where min or max is not finite
 */
export function chooseDynamicSymmetric(min: number, max: number, where?: string): ActivationParams {
  checkRange(min, max, where);
  return { scale: orOne(Math.fround(Math.max(-min, max) / 127)), zeroPoint: 0 };
}

/** clamp(half_even(−lo/S) − 2^(bits−1)): the bias is even, so it may be taken after the rounding, exactly. */
function zeroPointOf(lowCode: number, bits: number): number {
  const half = 2 ** (bits - 1);
  return clamp(halfEven(-lowCode) - half, -half, half - 1);
}

function orOne(scale: number): number {
  return scale < F32_MIN_NORMAL ? 1 : scale;
}

function checkRange(min: number, max: number, where: string | undefined): void {
  if (Number.isFinite(min) && Number.isFinite(max) && min <= max) return;
  throw new QcError({
    what: `[${min}, ${max}] is not a range of values`,
    where,
    why: 'a NaN or an infinity was seen where a tensor is to be quantized',
    help: 'look for the sample that causes it, or keep the layer in float',
  });
}

function checkFinite(scale: number, min: number, max: number, where: string | undefined): void {
  if (scale !== Number.POSITIVE_INFINITY) return;
  throw new QcError({ what: `the range [${min}, ${max}] is too wide for a 32-bit float`, where });
}
