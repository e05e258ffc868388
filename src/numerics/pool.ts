/** Average pools and means of codes (docs/numeric-contract.md, "Pools and means"). */

import { checkScale, dyadicMultiplier, type Multiplier } from './multiplier.ts';

/**
 * Multiplier of the mean of n cells: s_real = Sx/(Sy·n) in f64. The sum of (x − zx) is exact, then requantize half-up.
 * @param n cells inside the window (or all of them, when padding counts): one multiplier a count
 */
export function averageMultiplier(Sx: number, Sy: number, n: number, where?: string): Multiplier {
  checkScale(Sx, where);
  checkScale(Sy, where);
  return dyadicMultiplier(Sx / (Sy * n), where);
}

/** The multipliers of all counts 1..n, at index count − 1. */
export function averageMultipliers(Sx: number, Sy: number, n: number, where?: string): Multiplier[] {
  return Array.from({ length: n }, (_, i) => averageMultiplier(Sx, Sy, i + 1, where));
}
