import type { BodyBuilder, Value } from '../../src/ir/index.ts';

/** Σ x_i·m_i + c, shifted: multipliers m_i = high_i·2^bits + low_i, and c in the same parts. */
export interface SplitSum {
  readonly bits: number;
  readonly high: readonly number[];
  readonly low: readonly number[];
  readonly constants: { readonly high: number; readonly low: number };
}

/**
 * A sum of products with codes in two sums of 32 bits: (Σ x_i·m_i + c) >> s is
 * (Σ x_i·high_i + c_high + ((Σ x_i·low_i + c_low) >> bits)) >> (s − bits). Undefined where no parts keep both sums
 * within 32 bits.
 * @param most the most that |x_i| can be, each at most 2^16
 * @param c below 2^53, as is every product
 */
export function splitSum(
  multipliers: readonly number[],
  most: readonly number[],
  shift: number,
  c: number,
): SplitSum | undefined {
  const reach = (parts: readonly number[]) => parts.reduce((sum, m, i) => sum + Math.abs(m) * (most[i] as number), 0);
  for (let bits = Math.min(16, shift); bits >= 8; bits--) {
    const unit = 2 ** bits;
    const high = multipliers.map((m) => Math.floor(m / unit + 1 / 2));
    const low = multipliers.map((m, i) => m - (high[i] as number) * unit);
    const constants = { high: Math.floor(c / unit), low: c - Math.floor(c / unit) * unit };
    const lowest = reach(low) + unit;
    const whole = reach(high) + Math.abs(constants.high) + lowest / unit + 1;
    if (lowest < 2 ** 31 && whole < 2 ** 31) return { bits, high, low, constants };
  }
  return undefined;
}

/** The sum, shifted. */
export function buildSplitSum(k: BodyBuilder, xs: readonly Value[], sum: SplitSum, shift: number): Value {
  const codes = xs.map((x) => k.convert(x, 'i32'));
  const products = (parts: readonly number[], c: number) =>
    k.add(
      codes.map((x, i) => k.mul(x, k.constant(parts[i] as number, 'i32', x))).reduce((a, b) => k.add(a, b)),
      k.constant(c, 'i32', codes[0] as Value),
    );
  const carried = k.shr(products(sum.low, sum.constants.low), sum.bits);
  return k.shr(k.add(products(sum.high, sum.constants.high), carried), shift - sum.bits);
}
