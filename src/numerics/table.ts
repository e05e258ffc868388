/** Tables of unary functions of 8-bit codes (docs/numeric-contract.md, "Tables"). */

import { checkScale } from './multiplier.ts';
import { clamp, halfEven } from './rounding.ts';
import type { TableFunction } from './tablefunction.ts';

/** Parameters of the codes at one side of a table. */
export interface CodeRange {
  readonly scale: number;
  readonly zeroPoint: number;
  /** Smallest code; of the input: −128 (i8) or 0 (u8). Of the result it may be narrowed by a fused clip. */
  readonly qmin: number;
  /** Largest code. */
  readonly qmax: number;
}

/** Computed values as near to a tie as this are decided by the real function. */
const TIE_DISTANCE = 2 ** -40;

/**
 * T[q] = clamp(half_even(f(S·(q − z))/Sy) + zy) for all 256 input codes, with the real f. f = +∞ gives qmax, −∞ gives
 * qmin, undefined gives zy.
 * @param f a plain function stands for one that f64 arithmetic decides
 * @param unsigned whether the result's codes are u8 (with a narrowed range the codes alone do not tell)
 * @returns entries in the order of the input codes: index q − input.qmin
 */
export function unaryTable(
  f: TableFunction | ((x: number) => number),
  input: CodeRange,
  output: CodeRange,
  unsigned = output.qmax > 127,
): Int8Array | Uint8Array | Int16Array {
  checkScale(input.scale);
  checkScale(output.scale);
  const fn: TableFunction = typeof f === 'function' ? { value: f } : f;
  const entries: number[] = [];
  for (let q = input.qmin; q < input.qmin + 256; q++) {
    entries.push(tableEntry(fn, input.scale * (q - input.zeroPoint), output));
  }
  if (output.qmin < -128 || output.qmax > 255) return Int16Array.from(entries);
  return unsigned ? Uint8Array.from(entries) : Int8Array.from(entries);
}

/** clamp(half_even(f(x)/Sy) + zy) for one exact x. */
export function tableEntry(f: TableFunction, x: number, output: CodeRange): number {
  const { scale, zeroPoint, qmin, qmax } = output;
  const value = f.value(x);
  if (Number.isNaN(value)) return clamp(zeroPoint, qmin, qmax);
  const quotient = value / scale;
  const floor = Math.floor(quotient);
  let rounded = halfEven(quotient);
  if (Math.abs(quotient) < 2 ** 20 && Math.abs(quotient - floor - 0.5) < TIE_DISTANCE && f.side) {
    const side = f.side(x, (floor + 0.5) * scale);
    rounded = side === 0 ? halfEven(floor + 0.5) : side < 0 ? floor : floor + 1;
  }
  return clamp(rounded + zeroPoint, qmin, qmax);
}
