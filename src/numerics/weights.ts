/** Scales and codes of weights and biases (docs/numeric-contract.md, "Weights" and "Bias"). */

import { QcError } from '../support/diagnostics.ts';
import { checkScale, F32_MIN_NORMAL } from './multiplier.ts';
import { clamp, halfEven } from './rounding.ts';

/**
 * S = fl32(absmax/(2^(bits−1) − 1)) of one channel, or undefined where S is below 2^−126 (a channel of zeros).
 * @param bits 2..16
 */
export function chooseWeightScale(absmax: number, bits: number, where?: string): number | undefined {
  if (!Number.isFinite(absmax)) {
    throw new QcError({ what: 'a weight is NaN or infinite', where, help: 'repair the model: training has diverged' });
  }
  const scale = Math.fround(absmax / (2 ** (bits - 1) - 1));
  return scale < F32_MIN_NORMAL ? undefined : scale;
}

/**
 * One scale a channel. A channel of zeros takes the smallest scale of the tensor's other channels, or 1 if all are
 * zero: with S = 1 its bias would be rounded to whole numbers.
 */
export function chooseWeightScales(absmaxes: ArrayLike<number>, bits: number, where?: string): number[] {
  const scales = Array.from(absmaxes, (absmax) => chooseWeightScale(absmax, bits, where));
  const known = scales.filter((scale) => scale !== undefined);
  const fallback = known.length > 0 ? known.reduce((a, b) => Math.min(a, b)) : 1;
  return scales.map((scale) => scale ?? fallback);
}

/** clamp(half_even(w/S)) in f64, to ±(2^(bits−1) − 1). */
export function weightCode(w: number, scale: number, bits: number): number {
  const top = 2 ** (bits - 1) - 1;
  return clamp(halfEven(w / scale), -top, top);
}

/** Codes of the weights of one channel, in order. */
export function quantizeWeights(weights: ArrayLike<number>, scale: number, bits: number): number[] {
  checkScale(scale);
  return Array.from(weights, (w) => weightCode(w, scale, bits));
}

/**
 * Codes of a whole tensor with one scale an index of `axis`.
 * @param shape dimensions of `weights` (row-major); scales has shape[axis] entries
 */
export function quantizeWeightsByAxis(
  weights: ArrayLike<number>,
  shape: readonly number[],
  axis: number,
  scales: readonly number[],
  bits: number,
): Int8Array | Int16Array {
  const codes = bits > 8 ? new Int16Array(weights.length) : new Int8Array(weights.length);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channels = shape[axis] ?? 1;
  for (let i = 0; i < codes.length; i++) {
    const scale = scales[Math.floor(i / inner) % channels] as number;
    codes[i] = weightCode(weights[i] as number, scale, bits);
  }
  return codes;
}

/** Largest |w| of every index of `axis`; NaN where one is NaN. Row-major. */
export function absmaxByAxis(weights: ArrayLike<number>, shape: readonly number[], axis: number): Float64Array {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channels = shape[axis] ?? 1;
  const absmax = new Float64Array(channels);
  for (let i = 0; i < weights.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    absmax[channel] = Math.max(absmax[channel] as number, Math.abs(weights[i] as number));
  }
  return absmax;
}

/** half_even(b/(Sx·Sw)) in f64: the bias in units of the accumulator, unchecked (see `fitBias`). */
export function biasCode(b: number, Sx: number, Sw: number): number {
  return halfEven(b / (Sx * Sw));
}

/** A bias that fits its accumulator, and the weight scale with which it does. */
export interface FittedBias {
  readonly code: number;
  /** Sw, doubled as often as was needed; where `doublings` > 0 the channel's weights must be requantized with it. */
  readonly weightScale: number;
  readonly doublings: number;
}

/**
 * The bias code of a channel; Sw is doubled until |code| < 2^30 (`wide`, for 64-bit accumulators: 2^46).
 * @throws QcError where b is NaN or infinite, or no f32 scale is large enough
 */
export function fitBias(b: number, Sx: number, Sw: number, wide = false, where?: string): FittedBias {
  if (!Number.isFinite(b)) {
    throw new QcError({ what: 'a bias is NaN or infinite', where, help: 'repair the model: training has diverged' });
  }
  const limit = wide ? 2 ** 46 : 2 ** 30;
  let weightScale = Sw;
  let doublings = 0;
  while (Math.abs(biasCode(b, Sx, weightScale)) >= limit) {
    weightScale *= 2;
    doublings++;
  }
  checkScale(weightScale, where);
  return { code: biasCode(b, Sx, weightScale), weightScale, doublings };
}
