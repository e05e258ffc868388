import type { KernelContext, Register } from './values.ts';

/** Bytes of the low and of the high 32 bits of four 64-bit lanes in two registers. */
const lowWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const highWords = lowWords.map((byte) => byte + 4);

/**
 * (a·b + 2^(shift−1)) >> shift for lanes of i32, 2 ≤ shift ≤ 62. Products have 64 bits; the sum does not wrap,
 * since |a·b| ≤ 2^62. From 32 on, only the high words matter; below, the low words of the shifted sums, for which
 * a logical shift is as good as an arithmetic one.
 */
export function mulShift(
  c: KernelContext,
  a: readonly Register[],
  b: readonly Register[],
  shift: number,
): readonly Register[] {
  const { m } = c;
  const half = new Uint8Array(16);
  const view = new DataView(half.buffer);
  for (const at of [0, 8]) view.setBigInt64(at, 1n << BigInt(shift - 1), true);
  const rounding = c.constant(half);
  return a.map((x, i) => {
    const y = b[i] as Register;
    const sums = [m.i64x2.extmul_low_i32x4_s(x(), y()), m.i64x2.extmul_high_i32x4_s(x(), y())].map((product) =>
      m.i64x2.add(product, rounding()),
    ) as [number, number];
    if (shift >= 32) {
      const high = m.i8x16.shuffle(...sums, highWords);
      return c.hold(shift === 32 ? high : m.i32x4.shr_s(high, m.i32.const(shift - 32)));
    }
    const [low, high] = sums.map((sum) => m.i64x2.shr_u(sum, m.i32.const(shift))) as [number, number];
    return c.hold(m.i8x16.shuffle(low, high, lowWords));
  });
}
