import { splatConstant } from './laneops.ts';
import type { KernelContext, Register } from './values.ts';

/** Bytes of the low and of the high 32 bits of four 64-bit lanes in two registers. */
const lowWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const highWords = lowWords.map((byte) => byte + 4);

/**
 * (a·b + 2^(shift−1)) >> shift for lanes of i32, 2 ≤ shift ≤ 62. Products have 64 bits; the sum does not wrap,
 * since |a·b| ≤ 2^62. Above 32, 2^(shift−1) is a multiple of 2^32, so that the high words alone are rounded. From there
 * down the products are; of the shifted sums the low words matter, for which a logical shift is as good as an arithmetic
 * one.
 */
export function mulShift(
  c: KernelContext,
  a: readonly Register[],
  b: readonly Register[],
  shift: number,
): readonly Register[] {
  const { m } = c;
  const rounding =
    shift > 32 ? splatConstant(c, 'i32', 2 ** (shift - 33), 4) : splatConstant(c, 'i64', 2 ** (shift - 1), 8);
  return a.map((x, i) => {
    const y = b[i] as Register;
    const products = [m.i64x2.extmul_low_i32x4_s(x(), y()), m.i64x2.extmul_high_i32x4_s(x(), y())] as const;
    if (shift > 32) {
      const high = m.i32x4.add(m.i8x16.shuffle(...products, highWords), rounding());
      return c.hold(m.i32x4.shr_s(high, m.i32.const(shift - 32)));
    }
    const [low, high] = products.map((product) =>
      m.i64x2.shr_u(m.i64x2.add(product, rounding()), m.i32.const(shift)),
    ) as [number, number];
    return c.hold(m.i8x16.shuffle(low, high, lowWords));
  });
}
