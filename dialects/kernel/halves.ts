import type { BodyBuilder, Value } from '../../src/ir/index.ts';

// The primitives decode_f16 and encode_f16 as arithmetic on bits.
// Source of the encoding: IEEE 754-2019, sections 3.4 and 4.3.1.

/** The f32 that bits of an f16 (u16) stand for. */
export function f16ToF32(k: BodyBuilder, bits: Value): Value {
  const word = k.convert(bits, 'i32');
  const int = (value: number) => k.constant(value, 'i32', word);
  const magnitude = k.and(word, int(0x7fff));
  const mantissa = k.convert(magnitude, 'f32');
  const float = (value: number) => k.constant(value, 'f32', mantissa);
  // the exponent is 112 larger; that of infinity and NaN is all ones; below the first normal number count 2^−24ths
  const normal = k.add(k.shl(magnitude, 13), int(112 << 23));
  const special = k.or(k.shl(magnitude, 13), int(0x7f800000));
  const large = k.select(k.cmp('ge', magnitude, int(0x7c00)), special, normal);
  const small = k.cmp('lt', magnitude, int(0x400));
  const value = k.select(small, k.mul(mantissa, float(2 ** -24)), k.bitcast(large, 'f32'));
  return k.select(k.cmp('ge', word, int(0x8000)), k.neg(value), value);
}

/** The bits (u16) of the f16 nearest to an f32, ties to even; beyond the range infinity. */
export function f32ToF16(k: BodyBuilder, x: Value): Value {
  const word = k.bitcast(x, 'i32');
  const int = (value: number) => k.constant(value, 'i32', word);
  const magnitude = k.and(word, int(0x7fffffff));
  const sign = k.and(k.shr(word, 16), int(0x8000));
  const none = k.cmp('gt', magnitude, int(0x7f800000));
  const normal = roundedBits(k, k.sub(magnitude, int(112 << 23)), 13);
  // beside 0.5 the last bit of an f32 counts 2^−24
  const half = k.constant(0.5, 'f32', x);
  const small = k.sub(k.bitcast(k.add(k.bitcast(magnitude, 'f32'), half), 'i32'), int(0x3f000000));
  const finite = k.select(k.cmp('lt', magnitude, int(113 << 23)), small, normal);
  const limited = k.select(k.cmp('ge', magnitude, int(0x47800000)), int(0x7c00), finite);
  return k.convert(k.or(k.select(none, int(0x7e00), limited), sign), 'u16');
}

/** An i32 without its last `bits` bits, to the nearest, ties to even. */
export function roundedBits(k: BodyBuilder, value: Value, bits: number): Value {
  const int = (v: number) => k.constant(v, 'i32', value);
  // half of what is cut off, and one more where the last bit that stays is odd
  const odd = k.and(k.shr(value, bits), int(1));
  return k.shr(k.add(k.add(value, int((1 << (bits - 1)) - 1)), odd), bits);
}
