import { pow2, splitExponent } from '../bits.ts';
import { F32_MIN_NORMAL } from '../multiplier.ts';
import { clamp, halfEven } from '../rounding.ts';

/** Largest multiple: what a byte holds. */
const most = 255;

/** Scales of the groups of a channel as whole multiples of one number, m·S with m in 1..255. */
export interface ScaleSteps {
  readonly unit: number;
  readonly steps: readonly number[];
}

/**
 * The nearest m·S: S = max/255, rounded up to 16 bits, so that every multiple is an f32. Where a scale is 0, m is 1.
 * Source of two-step dequantization: Lin et al., QServe (2024), section 4.1, with scales of 8 bits a group.
 */
export function nearestSteps(scales: readonly number[]): ScaleSteps {
  const { f, e } = splitExponent(Math.max(...scales) / most);
  const unit = Math.max(Math.ceil(f * 2 ** 16) * pow2(e - 16), F32_MIN_NORMAL);
  return { unit, steps: scales.map((scale) => clamp(halfEven(scale / unit), 1, most)) };
}

/** Scales that are such multiples, as the largest S divides them; undefined where they are not, or all are equal. */
export function commonSteps(scales: readonly number[]): ScaleSteps | undefined {
  const unit = scales.reduce(greatestDivisor);
  const steps = scales.map((scale) => scale / unit);
  return Math.max(...steps) <= most && steps.some((step) => step !== 1) ? { unit, steps } : undefined;
}

/** Of positive numbers, by Euclid: remainders of floats are exact. */
function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
