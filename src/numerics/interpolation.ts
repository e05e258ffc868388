/** Functions of 16-bit codes by cubic pieces between knots (docs/numeric-contract.md, "Functions of 16-bit values"). */

import { checkScale } from './multiplier.ts';
import { clamp, halfEven } from './rounding.ts';
import { type CodeRange, tableEntry } from './table.ts';
import type { TableFunction } from './tablefunction.ts';

/** Bits behind the binary point of knots: they are in 4096ths of a step of the result. */
export const knotBits = 12;

/** What a program holds of a function. */
export interface Interpolation {
  readonly r: number;
  /** T[i], the value at the code −32768 + i·2^r; 2^(16 − r) + 1 of them. */
  readonly knots: Int32Array;
  /** C[i] and E[i] by turns: how a piece bends. Absent with r = 0. */
  readonly bends?: Int32Array;
}

const one = 2 ** knotBits;
/** Knots are kept within this: no code of the result is so far away. */
const limit = 2 ** 28;
/** Knots lie at most 2^10 codes apart; where at least 2^4, they are as many as a program should hold. */
const [widest, finest] = [10, 4];
/** How far from the function a value may be before it is rounded: results then seldom are other codes. */
const near = 2 ** (knotBits - 9);

/**
 * The coarsest pieces that come within 1/512 of a step of the function; where that takes too many of them, those with
 * which no code of the result is more than 1 from the exact one; with r = 0 it is exact. All 65536 codes are tried.
 * @param input codes of 16 bits with zero point 0
 */
export function interpolate(f: TableFunction, input: { readonly scale: number }, output: CodeRange): Interpolation {
  checkScale(input.scale);
  checkScale(output.scale);
  const fine = Int32Array.from({ length: 65537 }, (_, u) => knot(f, input.scale * (u - 32768), output));
  const close = coarsest(
    fine,
    finest,
    (u, value) => Math.abs(inRange(value, output) - inRange(fine[u] as number, output)) <= near,
  );
  if (close) return close;
  const exact = Int32Array.from({ length: 65536 }, (_, u) => tableEntry(f, input.scale * (u - 32768), output));
  const within = coarsest(fine, 1, (u, value) => Math.abs(codeOf(value, output) - (exact[u] as number)) <= 1);
  return (
    within ?? {
      r: 0,
      knots: Int32Array.from({ length: 65537 }, (_, u) => one * ((exact[u] ?? output.zeroPoint) - output.zeroPoint)),
    }
  );
}

/** half_even(2^12·f(x)/Sy), limited; undefined values are 0. */
function knot(f: TableFunction, x: number, { scale }: CodeRange): number {
  const value = f.value(x);
  return Number.isNaN(value) ? 0 : clamp(halfEven((one * value) / scale), -limit, limit);
}

/** The widest pieces of at least 2^least codes all of whose values are close. */
function coarsest(
  fine: Int32Array,
  least: number,
  isClose: (u: number, value: number) => boolean,
): Interpolation | undefined {
  for (let r = widest; r >= least; r--) {
    const pieces = piecesOf(fine, r);
    if (fits(pieces) && isCloseEverywhere(pieces, isClose)) return pieces;
  }
  return undefined;
}

function isCloseEverywhere(pieces: Interpolation, isClose: (u: number, value: number) => boolean): boolean {
  for (let u = 0; u < 65536; u++) if (!isClose(u, valueAt(pieces, u))) return false;
  return true;
}

function piecesOf(fine: Int32Array, r: number): Required<Interpolation> {
  const step = 2 ** r;
  const knots = fine.filter((_, u) => u % step === 0);
  const bends = new Int32Array(2 * (65536 / step));
  for (let i = 0; i < 65536 / step; i++) {
    const [from, to] = [knots[i] as number, knots[i + 1] as number];
    /** How far the function is above the line, a share t of the way. */
    const above = (t: number) => (fine[(i + t) * step] as number) - (from * (1 - t) + to * t);
    bends.set(r === 1 ? [4 * above(1 / 2), 0] : bendOf(above(1 / 4), above(3 / 4)), 2 * i);
  }
  return { r, knots, bends };
}

/** C and E of t·(1 − t)·(C + E·t), which is a at t = ¼ and b at t = ¾. */
const bendOf = (a: number, b: number): [number, number] => [
  halfEven(8 * a - (8 * b) / 3),
  halfEven((32 * (b - a)) / 3),
];

/** Whether products of `valueAt` stay within 32 bits. */
function fits({ r, knots, bends }: Required<Interpolation>): boolean {
  const size = (i: number) => Math.abs(bends[i] as number);
  for (let i = 0; i + 1 < knots.length; i++) {
    const rise = Math.abs((knots[i + 1] as number) - (knots[i] as number));
    if (rise + size(2 * i) + size(2 * i + 1) >= 2 ** (31 - r)) return false;
  }
  return true;
}

/**
 * T[i] + ((D + ((C[i] + (E[i]·f >> r))·(2^r − f) >> r))·f >> r): D = T[i + 1] − T[i], i = u >> r, f = u mod 2^r. Without
 * bends a line.
 */
function valueAt({ r, knots, bends }: Interpolation, u: number): number {
  const i = u >> r;
  const from = knots[i] as number;
  if (r === 0) return from;
  const f = u & (2 ** r - 1);
  const bend = bends ? (bends[2 * i] as number) + (((bends[2 * i + 1] as number) * f) >> r) : 0;
  return from + ((((knots[i + 1] as number) - from + ((bend * (2 ** r - f)) >> r)) * f) >> r);
}

const inRange = (value: number, { zeroPoint, qmin, qmax }: CodeRange): number =>
  clamp(value, (qmin - zeroPoint) * one, (qmax - zeroPoint) * one);

const codeOf = (value: number, { zeroPoint, qmin, qmax }: CodeRange): number =>
  clamp(((value + one / 2) >> knotBits) + zeroPoint, qmin, qmax);

/**
 * clamp(((v + 2^11) >> 12) + zy), v the value of the piece at u = x + 32768.
 * @param x a code of 16 bits
 */
export function interpolated(pieces: Interpolation, x: number, output: CodeRange): number {
  return codeOf(valueAt(pieces, x + 32768), output);
}
