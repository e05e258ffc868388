import { codebookGrid } from './codebook.ts';
import type { Grid } from './grid.ts';

/**
 * 0 and ±2^−k for k = 0..2^(bits−1) − 2: products are shifts. The last code repeats the largest.
 * Source: Incremental Network Quantization (Zhou et al., 2017), section 2.2.
 * @param bits 2..6
 */
export function powerOfTwoGrid(bits: number): Grid {
  const magnitudes = Array.from({ length: 2 ** (bits - 1) - 1 }, (_, k) => 2 ** -k);
  const levels = [...magnitudes.map((m) => -m), 0, ...magnitudes.toReversed()];
  return codebookGrid(`pot${bits}`, levels);
}
