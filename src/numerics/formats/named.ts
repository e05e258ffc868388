import { nf4 } from './codebook.ts';
import type { BlockFormat } from './format.ts';
import type { Grid } from './grid.ts';
import { fixedPointGrid, integerGrid } from './integer.ts';
import { e2m1, e2m3, e3m2, e4m3, e5m2 } from './minifloat.ts';
import { absmaxScale, absmeanScale, microscale, type ScaleRule, sharedExponent, twoLevelScale } from './scale.ts';
import { ternary } from './ternary.ts';

const format = (name: string, grid: Grid, block: number, scale: ScaleRule): BlockFormat => ({
  name,
  grid,
  block,
  scale,
});

/** Integers with one f32 scale a group. @param bits 2..8 */
export function integerFormat(bits: number, group: number): BlockFormat {
  return format(`i${bits}g${group}`, integerGrid(bits), group, absmaxScale);
}

/** Integers whose block shares an exponent, so that no value saturates. @param bits 2..8 */
export function sharedExponentFormat(bits: number, block: number): BlockFormat {
  return format(`bfp${bits}g${block}`, integerGrid(bits), block, sharedExponent);
}

/** Numbers of a grid with one f32 scale a group. */
export function scaledFormat(grid: Grid, group: number): BlockFormat {
  return format(`${grid.name}g${group}`, grid, group, absmaxScale);
}

/** OCP Microscaling Formats 1.0. */
export const mxfp8: BlockFormat = format('mxfp8', e4m3, 32, microscale);
export const mxfp8e5m2: BlockFormat = format('mxfp8e5m2', e5m2, 32, microscale);
export const mxfp6: BlockFormat = format('mxfp6', e2m3, 32, microscale);
export const mxfp6e3m2: BlockFormat = format('mxfp6e3m2', e3m2, 32, microscale);
export const mxfp4: BlockFormat = format('mxfp4', e2m1, 32, microscale);
export const mxint8: BlockFormat = format('mxint8', fixedPointGrid(8), 32, microscale);

/** Blocks of 16 with E4M3 scales under one f32. */
export const nvfp4: BlockFormat = format('nvfp4', e2m1, 16, twoLevelScale);
export const nvint4: BlockFormat = format('nvint4', integerGrid(4), 16, twoLevelScale);

export const nf4g64: BlockFormat = format('nf4g64', nf4, 64, absmaxScale);

/** −1, 0, 1 times the mean magnitude of the group. */
export function ternaryFormat(group: number): BlockFormat {
  return format(`ternaryg${group}`, ternary, group, absmeanScale);
}
