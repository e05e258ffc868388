import type { BodyBuilder, Value } from '../../src/ir/index.ts';

const like = (k: BodyBuilder, x: Value, value: number) => k.constant(value, 'i32', x);

/** The upper 32 bits of a·b of i32, by products of halves that fit 32 bits. Source: Warren, Hacker's Delight, 8-2. */
function upperProduct(k: BodyBuilder, a: Value, b: Value): Value {
  const low = (x: Value) => k.and(x, like(k, x, 0xffff));
  const high = (x: Value) => k.shr(x, 16);
  const [al, ah, bl, bh] = [low(a), high(a), low(b), high(b)];
  // the product of the low halves fills 32 bits without a sign
  const lowest = k.and(k.shr(k.mul(al, bl), 16), like(k, a, 0xffff));
  const middle = k.add(k.mul(ah, bl), lowest);
  const other = k.add(k.mul(al, bh), low(middle));
  return k.add(k.add(k.mul(ah, bh), high(middle)), high(other));
}

/** The primitive mul_shift, (a·b + 2^(shift−1)) >> shift, in 32-bit arithmetic; its result wraps to 32 bits. */
export function mulShiftIn32(k: BodyBuilder, a: Value, b: Value, shift: number): Value {
  const upper = upperProduct(k, a, b);
  if (shift > 32) {
    // |upper| ≤ 2^30, so that the rounding term never overflows
    return k.shr(k.add(upper, like(k, a, 2 ** (shift - 33))), shift - 32);
  }
  const lower = k.mul(a, b);
  const carry = (x: Value) => k.and(k.shr(x, 31), like(k, x, 1));
  // adding 2^31 to the lower half carries exactly where its top bit is set
  if (shift === 32) return k.add(upper, carry(lower));
  const rounded = k.add(lower, like(k, a, 2 ** (shift - 1)));
  // the carry of x + y is the top bit of (x & y) | ((x | y) & ~(x + y)); y, below 2^31, has none
  const carried = carry(k.and(lower, k.xor(rounded, like(k, a, -1))));
  const top = k.shl(k.add(upper, carried), 32 - shift);
  const mask = like(k, a, 2 ** (32 - shift) - 1);
  return k.or(top, k.and(k.shr(rounded, shift), mask));
}
