/** Functions of 16-bit codes by straight lines between knots (docs/numeric-contract.md, "Functions of 16-bit values"). */

import { checkScale } from './multiplier.ts';
import { clamp, halfEven } from './rounding.ts';
import { type CodeRange, tableEntry } from './table.ts';
import type { TableFunction } from './tablefunction.ts';

/** What a program holds of a function: knots every 2^r codes, in 256ths of a step of the result. */
export interface Interpolation {
  readonly r: number;
  /** T[i], the value at the code −32768 + i·2^r; 2^(16 − r) + 1 of them. */
  readonly knots: Int32Array;
}

/** Knots lie at most 2^10 codes apart. */
const widest = 10;
/** Knots are kept within this: no code of the result is so far away. */
const limit = 2 ** 28;

/**
 * The coarsest knots with which no code of the result is more than 1 from the exact one; with r = 0 it is exact. All
 * 65536 codes are tried.
 * @param input codes of 16 bits with zero point 0
 */
export function interpolate(f: TableFunction, input: { readonly scale: number }, output: CodeRange): Interpolation {
  checkScale(input.scale);
  checkScale(output.scale);
  const exact = Int32Array.from({ length: 65536 }, (_, u) => tableEntry(f, input.scale * (u - 32768), output));
  const fine = Int32Array.from({ length: 65537 }, (_, u) => knot(f, input.scale * (u - 32768), output));
  for (let r = widest; r > 0; r--) {
    const knots = fine.filter((_, u) => u % 2 ** r === 0);
    if (isClose({ r, knots }, exact, output)) return { r, knots };
  }
  return {
    r: 0,
    knots: Int32Array.from({ length: 65537 }, (_, u) => 256 * ((exact[u] ?? output.zeroPoint) - output.zeroPoint)),
  };
}

/** half_even(256·f(x)/Sy), limited; undefined values are 0. */
function knot(f: TableFunction, x: number, { scale }: CodeRange): number {
  const value = f.value(x);
  return Number.isNaN(value) ? 0 : clamp(halfEven((256 * value) / scale), -limit, limit);
}

function isClose(candidate: Interpolation, exact: Int32Array, output: CodeRange): boolean {
  const { r, knots } = candidate;
  // (T[i + 1] − T[i])·f fits 32 bits
  for (let i = 1; i < knots.length; i++) {
    if (Math.abs((knots[i] as number) - (knots[i - 1] as number)) >= 2 ** (31 - r)) return false;
  }
  return exact.every((code, u) => Math.abs(interpolated(candidate, u - 32768, output) - code) <= 1);
}

/**
 * clamp(((T[i] + ((T[i + 1] − T[i])·f >> r) + 128) >> 8) + zy): i = u >> r, f = u mod 2^r, u = x + 32768.
 * @param x a code of 16 bits
 */
export function interpolated({ r, knots }: Interpolation, x: number, { zeroPoint, qmin, qmax }: CodeRange): number {
  const u = x + 32768;
  const i = u >> r;
  const [from, to] = [knots[i] as number, knots[i + 1] as number];
  const value = from + (((to - from) * (u & (2 ** r - 1))) >> r);
  return clamp(((value + 128) >> 8) + zeroPoint, qmin, qmax);
}
