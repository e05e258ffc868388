import { packBits, unpackBits } from './bitPacking.ts';
import type { Grid } from './grid.ts';
import type { ScaleRule } from './scale.ts';

/** A number format: numbers of a grid, one scale a block of neighbours. */
export interface BlockFormat {
  readonly name: string;
  readonly grid: Grid;
  /** Values of a block; the last one of a row may be shorter. */
  readonly block: number;
  readonly scale: ScaleRule;
}

/** A row of values in a format. */
export interface EncodedRow {
  readonly codes: Uint8Array;
  /** One a block. */
  readonly scales: Float64Array;
}

/**
 * The codes and scales of a row: each value is divided by its block's scale in f64, and rounded once.
 * @param whole largest magnitude of the tensor that the row belongs to; default: of the row
 */
export function encodeRow(values: ArrayLike<number>, format: BlockFormat, whole?: number): EncodedRow {
  const { grid, block, scale } = format;
  const codes = new Uint8Array(values.length);
  const scales = new Float64Array(Math.ceil(values.length / block));
  const largest = whole ?? absmaxOf(values, 0, values.length);
  for (let b = 0; b < scales.length; b++) {
    const [from, to] = [b * block, Math.min((b + 1) * block, values.length)];
    const absmax = absmaxOf(values, from, to);
    let sum = 0;
    for (let i = from; i < to; i++) sum += Math.abs(values[i] as number);
    const chosen = scale({ absmax, absmean: sum / (to - from), whole: largest }, grid);
    scales[b] = chosen;
    for (let i = from; i < to; i++) codes[i] = grid.encode((values[i] as number) / chosen);
  }
  return { codes, scales };
}

function absmaxOf(values: ArrayLike<number>, from: number, to: number): number {
  let absmax = 0;
  for (let i = from; i < to; i++) absmax = Math.max(absmax, Math.abs(values[i] as number));
  return absmax;
}

/** The numbers that a row's codes stand for. */
export function decodeRow({ codes, scales }: EncodedRow, { grid, block }: BlockFormat): Float64Array {
  return Float64Array.from(codes, (code, i) => grid.decode(code) * (scales[Math.floor(i / block)] as number));
}

/** Codes one after the other without gaps, the first one in the lowest bits. */
export function packRow({ codes }: EncodedRow, { grid }: BlockFormat): Uint8Array {
  return packBits(codes, grid.bits);
}

/** The first `count` codes of packed bytes. */
export function unpackRow(bytes: Uint8Array, count: number, { grid }: BlockFormat): Uint8Array {
  return unpackBits(bytes, count, grid.bits);
}
