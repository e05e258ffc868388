import type { BodyBuilder, ScalarType, Value } from '../../src/ir/index.ts';
import { roundedBits } from '../kernel/halves.ts';

// Floats of 16 bits in kernels: loaded and stored as their bits (u16), computed with in f32.

/** Whether an element type is a float of 16 bits. */
export const isHalf = (element: ScalarType): element is 'f16' | 'bf16' => element === 'f16' || element === 'bf16';

/** The f32 that bits of 16 stand for. bfloat16 is the upper half of an f32. */
export function decodeHalf(k: BodyBuilder, bits: Value, from: 'f16' | 'bf16'): Value {
  if (from === 'f16') return k.decodeF16(bits);
  return k.bitcast(k.shl(k.convert(bits, 'i32'), 16), 'f32');
}

/** The bits of 16 nearest to an f32, ties to even; beyond the range infinity. */
export function encodeHalf(k: BodyBuilder, x: Value, to: 'f16' | 'bf16'): Value {
  if (to === 'f16') return k.encodeF16(x);
  const word = k.bitcast(x, 'i32');
  const int = (value: number) => k.constant(value, 'i32', word);
  const magnitude = k.and(word, int(0x7fffffff));
  const sign = k.and(k.shr(word, 16), int(0x8000));
  const none = k.cmp('gt', magnitude, int(0x7f800000));
  return k.convert(k.or(k.select(none, int(0x7fc0), roundedBits(k, magnitude, 16)), sign), 'u16');
}
