/** Float borders: single f32 values to codes and back (docs/numeric-contract.md, "Borders"). */

import { clamp, halfEven } from './rounding.ts';

/**
 * f32 → code, as ONNX QuantizeLinear: clamp(half_even(fl32(x/S)) + z, qmin, qmax). NaN gives z, infinities saturate.
 * @param x an f32 value
 * @param S the scale, f32
 */
export function quantizeF32(x: number, S: number, z: number, qmin: number, qmax: number): number {
  const quotient = Math.fround(x / S);
  if (Number.isNaN(quotient)) return clamp(z, qmin, qmax);
  return clamp(halfEven(quotient) + z, qmin, qmax);
}

/** Code → f32: fl32(fl32(q − z)·S). A zero is +0; overflow gives an infinity. */
export function dequantizeF32(q: number, S: number, z: number): number {
  return Math.fround(Math.fround(q - z) * S) + 0;
}

/**
 * The f32 result of an integer contraction: fl32(fl32(acc)·fl32(Sx·Sw)), the bias being in acc already.
 * @param acc the exact integer sum, |acc| ≤ 2^53
 */
export function accumulatorToF32(acc: number, Sx: number, Sw: number): number {
  return Math.fround(Math.fround(acc) * Math.fround(Sx * Sw)) + 0;
}
