/** Angles as parts of a turn, which wrap as integers do (docs/numeric-contract.md, "Angles"). */

import { halfEven } from './rounding.ts';

/** What one code of an angle of 16 bits stands for, in radians: a turn has 2^16. */
export const ANGLE_SCALE = Math.fround((2 * Math.PI) / 65536);

/** half_even(2^32·r/2π) modulo 2^32, as an i32: by how much an angle of `r` radians turns. */
export function angleStep(r: number): number {
  const turns = r / (2 * Math.PI);
  return halfEven((turns - Math.floor(turns)) * 2 ** 32) | 0;
}

/** ((d·step mod 2^32) + 2^15) >> 16, the sum wrapped to an i32: the angle of d steps, in codes of 16 bits. */
export function angleOf(d: number, step: number): number {
  return ((Math.imul(d, step) + 2 ** 15) | 0) >> 16;
}
