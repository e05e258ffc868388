/** Softmax of 8-bit scores in integers (docs/numeric-contract.md, "softmax"). */

import { exp } from './elementary.ts';
import { checkScale, dyadicMultiplier, type Multiplier } from './multiplier.ts';
import { clamp, halfUp } from './rounding.ts';

/** Longest row: Σ then fits 32 bits unsigned. */
export const SOFTMAX_MAX_ROW = 65537;

/** E[d] = half_up(exp(−d·S)·65535) for d = 0..255. S: scale of the scores, f32. */
export function softmaxTable(S: number): Uint16Array {
  return expTable(S, 65535);
}

/** half_up(exp(−d·S)·top) for d = 0..255. */
export function expTable(S: number, top: number): Uint16Array {
  checkScale(S);
  return Uint16Array.from({ length: 256 }, (_, d) => halfUp(exp(-d * S) * top));
}

/** Largest unmasked code of a row, or undefined where all are masked. */
export function maxUnmasked(codes: ArrayLike<number>, kept?: ArrayLike<number | boolean>): number | undefined {
  let max: number | undefined;
  for (let i = 0; i < codes.length; i++) {
    if (kept && !kept[i]) continue;
    const code = codes[i] as number;
    if (max === undefined || code > max) max = code;
  }
  return max;
}

/** table[max − x] of every unmasked entry, 0 of the others; all zeros where all are masked. */
export function expRow(
  codes: ArrayLike<number>,
  table: ArrayLike<number>,
  kept?: ArrayLike<number | boolean>,
): Float64Array {
  const weights = new Float64Array(codes.length);
  const max = maxUnmasked(codes, kept);
  if (max === undefined) return weights;
  for (let i = 0; i < codes.length; i++) {
    if (!kept || kept[i]) weights[i] = table[max - (codes[i] as number)] as number;
  }
  return weights;
}

/**
 * p = clamp(⌊(2·2^k·E + Σ)/(2Σ)⌋, 0, 2^k − 1) of one row: probabilities of scale 2^−k.
 * @param codes at most SOFTMAX_MAX_ROW scores, i8 or u8
 * @param table from `softmaxTable`
 * @param k 8 (u8; an i8 code is p − 128) or 15 (i16)
 * @param kept one flag an entry, 0 or false where masked; a fully masked row gives all zeros
 */
export function softmaxRow(
  codes: ArrayLike<number>,
  table: ArrayLike<number>,
  k: 8 | 15,
  kept?: ArrayLike<number | boolean>,
): Int16Array {
  const weights = expRow(codes, table, kept);
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0) return new Int16Array(codes.length);
  const top = 2 ** k;
  // Numerator < 2^34 and quotient ≤ 2^15: the f64 division can not cross a whole number.
  return Int16Array.from(weights, (e) => clamp(Math.floor((2 * top * e + sum) / (2 * sum)), 0, top - 1));
}

/** The exponential function of 16-bit scores in two factors: E = (high[d >> 8]·low[d mod 256] + 2^14) >> 15. */
export interface WideExponential {
  /** half_up(exp(−256·i·S)·65535), i = 0..255. */
  readonly high: Uint16Array;
  /** half_up(exp(−i·S)·32768), i = 0..255. */
  readonly low: Uint16Array;
}

/** The factors for 16-bit scores of scale S. */
export function wideExponential(S: number): WideExponential {
  checkScale(S);
  const entries = (step: number, top: number) =>
    Uint16Array.from({ length: 256 }, (_, i) => halfUp(exp(-i * step * S) * top));
  return { high: entries(256, 65535), low: entries(1, 32768) };
}

/** E[d] of a 16-bit score that lies d = 0..65535 below the maximum of its row. */
export function wideExp({ high, low }: WideExponential, d: number): number {
  return ((high[d >> 8] as number) * (low[d & 255] as number) + 2 ** 14) >> 15;
}

/** ⌊(2·2^15·E + Σ)/(2Σ)⌋ of one row of weights E, at most 2^15 − 1: probabilities of scale 2^−15. */
export function probabilities(weights: ArrayLike<number>): Int16Array {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i] as number;
  return Int16Array.from(weights, (e) => Math.min(Math.floor((65536 * e + sum) / (2 * sum)), 32767));
}

/** Multiplier that takes the i16 probabilities (k = 15) to any other scale Sy: s_real = 2^−15/Sy. */
export function softmaxOutputMultiplier(Sy: number, where?: string): Multiplier {
  checkScale(Sy, where);
  return dyadicMultiplier(2 ** -15 / Sy, where);
}
