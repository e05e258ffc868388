/** Square roots of integer codes (docs/numeric-contract.md, "Square roots"). */

import { integerSqrt } from './inverseroot.ts';
import { checkScale, dyadicMultiplier, type Multiplier } from './multiplier.ts';
import { clamp } from './rounding.ts';

/** Roots are looked for below 2^ROOT_BITS, in halves of a step of the result: beyond all codes of 16 bits. */
export const ROOT_BITS = 18;

/** m·2^−s = S/Sy² in f64: what turns codes into squares of steps of the result. */
export function rootMultiplier(S: number, Sy: number, where?: string): Multiplier {
  checkScale(S, where);
  checkScale(Sy, where);
  return dyadicMultiplier(S / (Sy * Sy), where);
}

/**
 * half_up(√(x·m·2^−s)) + zy: with u = ⌊x·m·2^(2 − s)⌋, within 0..2^36 − 1, it is (⌊√u⌋ + 1) >> 1.
 * @param x an i32, its zero point 0; below 0 the root is 0
 */
export function rootOf(x: number, { m, s }: Multiplier, zy: number, qmin: number, qmax: number): number {
  const u = (BigInt(x) * BigInt(m)) >> BigInt(s - 2);
  const limit = (1n << BigInt(2 * ROOT_BITS)) - 1n;
  const root = integerSqrt(u < 0n ? 0n : u > limit ? limit : u);
  return clamp(Number((root + 1n) >> 1n) + zy, qmin, qmax);
}
