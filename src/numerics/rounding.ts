/**
 * Every rounding of the numeric contract (docs/numeric-contract.md): f64 values to integers, and integer
 * accumulators to codes. All functions are exact mathematics in plain numbers; none depends on the engine.
 */

import { pow2 } from './bits.ts';

/** ⌊x + ½⌋ for any f64, as exact mathematics (x + 0.5 itself may round). Never −0 but for infinities, NaN stays NaN. */
export function halfUp(x: number): number {
  const floor = Math.floor(x);
  return (x - floor >= 0.5 ? floor + 1 : floor) + 0;
}

/** Nearest integer of any f64, ties to even, exact. Never −0; infinities and NaN stay themselves. */
export function halfEven(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude < 2 ** 52)) return x;
  // Adding 2^52 leaves no fraction bits: the addition itself rounds half to even.
  const rounded = magnitude + 2 ** 52 - 2 ** 52;
  return (x < 0 ? -rounded : rounded) + 0;
}

/** x limited to [lo, hi]; NaN stays NaN. */
export function clamp(x: number, lo: number, hi: number): number {
  return Math.min(Math.max(x, lo), hi);
}

/** i32 saturation. */
export function saturateI32(x: number): number {
  return clamp(x, -(2 ** 31), 2 ** 31 - 1);
}

/**
 * ⌊(high·2^16 + low + 2^(s−1)) / 2^s⌋, exact wherever the result is below 2^52 in magnitude and of the right sign
 * and at least 2^51 in magnitude elsewhere (so that clamping to 32 bits is exact).
 * Ranges: |high| ≤ 2^50, |low| ≤ 2^50, both integers, 1 ≤ s ≤ 62.
 */
export function roundShift(high: number, low: number, s: number): number {
  if (s > 16) {
    // All of high·2^16 + 2^(s−1) is a multiple of 2^16, so the floor of low / 2^16 may be taken first.
    return Math.floor((high + Math.floor(low * pow2(-16)) + pow2(s - 17)) * pow2(16 - s));
  }
  return high * pow2(16 - s) + Math.floor((low + pow2(s - 1)) * pow2(-s));
}

/**
 * Rounding `half-up`, the default: clamp(((acc·m + 2^(s−1)) >> s) + z, qmin, qmax).
 * acc: i32. m: integer of magnitude ≤ 2^31. s: 2..62 (1 is legal too). z: i32.
 */
export function requantizeHalfUp(acc: number, m: number, s: number, z: number, qmin: number, qmax: number): number {
  const mHigh = Math.floor(m * pow2(-16));
  const mLow = m - mHigh * 65536;
  return clamp(roundShift(acc * mHigh, acc * mLow, s) + z, qmin, qmax);
}

/**
 * Rounding `half-up` of a 64-bit accumulator (16-bit activations): the same formula with m16.
 * acc: an integer of magnitude ≤ 2^47 (exact in a number). m16: 0..2^15. s: 2..62.
 */
export function requantizeHalfUpWide(
  acc: number,
  m16: number,
  s: number,
  z: number,
  qmin: number,
  qmax: number,
): number {
  const accHigh = Math.floor(acc * pow2(-16));
  const accLow = acc - accHigh * 65536;
  return clamp(roundShift(accHigh * m16, accLow * m16, s) + z, qmin, qmax);
}

/**
 * Rounding `gemmlowp` (imported graphs): acc·2^max(31−s, 0) saturates to i32, then the saturating rounding doubling
 * high multiply by m, then a rounding right shift by max(s−31, 0), half away from zero.
 * acc: i32. m: 0..2^31−1. s: 0..62.
 */
export function requantizeGemmlowp(acc: number, m: number, s: number, z: number, qmin: number, qmax: number): number {
  const scaled = s < 31 ? saturateI32(acc * pow2(31 - s)) : acc;
  const product = roundingDoublingHighMultiply(scaled, m);
  return clamp(roundingShiftHalfAway(product, Math.max(s - 31, 0)) + z, qmin, qmax);
}

/** gemmlowp's SaturatingRoundingDoublingHighMul of two i32: a·b / 2^31, ties up, −2^31·−2^31 saturates. */
export function roundingDoublingHighMultiply(a: number, b: number): number {
  const high = Math.floor(b * pow2(-16));
  return saturateI32(roundShift(a * high, a * (b - high * 65536), 31));
}

/** gemmlowp's RoundingDivideByPOT: x / 2^shift, nearest, ties away from zero. x: i32. shift: 0..31. */
export function roundingShiftHalfAway(x: number, shift: number): number {
  const magnitude = halfUp(Math.abs(x) * pow2(-shift));
  return x < 0 ? 0 - magnitude : magnitude;
}

/**
 * Rounding `half-even-f32` (imported graphs): clamp(half_even(fl32(fl32(acc)·fl32(sReal))) + z, qmin, qmax).
 * acc: i32. sReal: (Sx·Sw)/Sy in f64.
 */
export function requantizeHalfEvenF32(acc: number, sReal: number, z: number, qmin: number, qmax: number): number {
  return clamp(halfEven(Math.fround(Math.fround(acc) * Math.fround(sReal))) + z, qmin, qmax);
}
