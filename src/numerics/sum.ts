/** Sums of rescaled codes: residual add and subtract, concat (docs/numeric-contract.md, "Sums of rescaled values"). */

import { pow2 } from './bits.ts';
import type { SumMultipliers } from './multiplier.ts';
import { clamp, roundShift } from './rounding.ts';

/**
 * clamp(((Σ (x_i − z_i)·m_i + 2^(s−1)) >> s) + zy, qmin, qmax), exact for codes of up to 32 bits.
 * @param codes x_i, one code an operand
 * @param zeroPoints z_i
 * @param multipliers from `sumMultipliers`, or those of wider codes (|m_i| < 2^31, s in 1..45)
 */
export function sumRescaled(
  codes: ArrayLike<number>,
  zeroPoints: ArrayLike<number>,
  multipliers: SumMultipliers,
  zy: number,
  qmin: number,
  qmax: number,
): number {
  const { m, s } = multipliers;
  let high = 0;
  let low = 0;
  for (let i = 0; i < m.length; i++) {
    const difference = (codes[i] as number) - (zeroPoints[i] as number);
    const mi = m[i] as number;
    const mHigh = Math.floor(mi * pow2(-16));
    high += difference * mHigh;
    low += difference * (mi - mHigh * 65536);
  }
  return clamp(roundShift(high, low, s) + zy, qmin, qmax);
}
