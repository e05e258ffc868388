import { pow2, splitExponent } from '../bits.ts';
import { decodeFloat, encodeFloat, F8E4M3FN } from '../floats.ts';
import { F32_MIN_NORMAL } from '../multiplier.ts';
import type { Grid } from './grid.ts';

/** What the scale of a block is chosen from. */
export interface BlockStatistics {
  /** Largest magnitude in the block, and mean magnitude. */
  readonly absmax: number;
  readonly absmean: number;
  /** Largest magnitude in the whole tensor. */
  readonly whole: number;
}

/** The scale of one block: the real number that its grid's 1 stands for. It is an f32 and positive. */
export type ScaleRule = (block: BlockStatistics, grid: Grid) => number;

/** The largest value gets the largest code. A block of zeros has scale 1. */
export const absmaxScale: ScaleRule = ({ absmax }, { largest }) => positive(Math.fround(absmax / largest));

/** The mean magnitude. */
export const absmeanScale: ScaleRule = ({ absmean }) => positive(Math.fround(absmean));

const positive = (scale: number) => (scale < F32_MIN_NORMAL ? 1 : scale);

/**
 * E8M0: 2^(⌊log2 absmax⌋ − emax), emax the exponent of the grid's largest number, limited to 2^−127..2^127. Values
 * between the largest number and the next power of two saturate. Source: OCP Microscaling Formats 1.0, section 6.3.
 */
export const microscale: ScaleRule = ({ absmax }, { largest }) =>
  pow2(limited(exponentOf(absmax) - exponentOf(largest)));

/** The smallest power of two with which nothing saturates: blocks with a shared exponent. */
export const sharedExponent: ScaleRule = ({ absmax }, { largest }) => {
  if (absmax === 0) return pow2(-127);
  const { f, e } = splitExponent(absmax / largest);
  return pow2(limited(f === 0.5 ? e - 1 : e));
};

/** ⌊log2 x⌋, or −127 for 0. */
const exponentOf = (x: number) => (x === 0 ? -127 : splitExponent(x).e - 1);
const limited = (exponent: number) => Math.min(Math.max(exponent, -127), 127);

/**
 * E4M3 times one f32 a tensor, s2 = absmax of the tensor/(largest·448). A block scale that would round to zero takes
 * the smallest one, 2^−9, and so does a block of zeros. Source: NVIDIA, "Introducing NVFP4" (2025); its zero blocks and
 * smallest scale are not specified there.
 */
export const twoLevelScale: ScaleRule = ({ absmax, whole }, { largest }) => {
  const s2 = tensorScale(whole, largest);
  const code = encodeFloat(Math.fround(absmax / largest) / s2, F8E4M3FN, true);
  return Math.fround(decodeFloat(Math.max(code, 1), F8E4M3FN) * s2);
};

/** The second level of `twoLevelScale`. */
export function tensorScale(whole: number, largest: number): number {
  return positive(Math.fround(whole / (largest * 448)));
}
