/** Attention with un-normalised integer probabilities (docs/numeric-contract.md, "Attention"). */

import { checkScale, dyadicMultiplier, type Multiplier } from './multiplier.ts';
import { expTable } from './softmax.ts';

/** Up to this many keys probabilities are one byte, above two. */
export const ATTENTION_BYTE_KEYS = 256;

/** Fraction of one quantum of the values that a row's mean keeps: c = 2^8. */
export const ATTENTION_MEAN_SCALE = 256;

/**
 * A[d] = half_up(exp(−d·S)·top) for d = 0..255 with top = 255 for rows up to 256 keys and 65535 above.
 * @param S scale of the scores; @param keys the row's length (its bound, where it is symbolic)
 */
export function attentionTable(S: number, keys: number): Uint16Array {
  return expTable(S, keys <= ATTENTION_BYTE_KEYS ? 255 : 65535);
}

/**
 * The mean of the values by weight, in units of 1/c of a quantum: ⌊(2·O·c + L)/(2L)⌋, exact.
 * @param weights A of every key (from `expRow`), L their sum
 * @param values v of every key, i8 or u8
 * @returns undefined where L = 0: the result is then zy
 */
export function attentionMean(
  weights: ArrayLike<number>,
  values: ArrayLike<number>,
  zv: number,
  c: number = ATTENTION_MEAN_SCALE,
): number | undefined {
  let O = 0;
  let L = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    O += weight * ((values[i] as number) - zv);
    L += weight;
  }
  if (L === 0) return undefined;
  // |2·O·c| < 2^50 and |quotient| < 2^17: the f64 division can not cross a whole number.
  return Math.floor((2 * O * c + L) / (2 * L));
}

/** Multiplier from the mean to the result: s_real = Sv/(Sy·c). */
export function attentionMultiplier(
  Sv: number,
  Sy: number,
  c: number = ATTENTION_MEAN_SCALE,
  where?: string,
): Multiplier {
  checkScale(Sv, where);
  checkScale(Sy, where);
  return dyadicMultiplier(Sv / (Sy * c), where);
}
