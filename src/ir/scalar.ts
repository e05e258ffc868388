import type { DType } from '../support/tensor.ts';

/** Scalar element types; `index` is a 32-bit size or offset in kernels. */
export type ScalarType = DType | 'index';

interface ScalarInfo {
  readonly bits: number;
  readonly kind: 'float' | 'signed' | 'unsigned' | 'other';
}

const info: Record<ScalarType, ScalarInfo> = {
  i1: { bits: 1, kind: 'unsigned' },
  i2: { bits: 2, kind: 'signed' },
  u2: { bits: 2, kind: 'unsigned' },
  i3: { bits: 3, kind: 'signed' },
  u3: { bits: 3, kind: 'unsigned' },
  i4: { bits: 4, kind: 'signed' },
  u4: { bits: 4, kind: 'unsigned' },
  i5: { bits: 5, kind: 'signed' },
  u5: { bits: 5, kind: 'unsigned' },
  i6: { bits: 6, kind: 'signed' },
  u6: { bits: 6, kind: 'unsigned' },
  i7: { bits: 7, kind: 'signed' },
  u7: { bits: 7, kind: 'unsigned' },
  i8: { bits: 8, kind: 'signed' },
  u8: { bits: 8, kind: 'unsigned' },
  i16: { bits: 16, kind: 'signed' },
  u16: { bits: 16, kind: 'unsigned' },
  i32: { bits: 32, kind: 'signed' },
  u32: { bits: 32, kind: 'unsigned' },
  i64: { bits: 64, kind: 'signed' },
  u64: { bits: 64, kind: 'unsigned' },
  f16: { bits: 16, kind: 'float' },
  bf16: { bits: 16, kind: 'float' },
  f32: { bits: 32, kind: 'float' },
  f64: { bits: 64, kind: 'float' },
  f8e4m3fn: { bits: 8, kind: 'float' },
  f8e4m3fnuz: { bits: 8, kind: 'float' },
  f8e5m2: { bits: 8, kind: 'float' },
  f8e5m2fnuz: { bits: 8, kind: 'float' },
  f8e8m0: { bits: 8, kind: 'float' },
  f4e2m1: { bits: 4, kind: 'float' },
  c64: { bits: 64, kind: 'other' },
  c128: { bits: 128, kind: 'other' },
  string: { bits: 0, kind: 'other' },
  index: { bits: 32, kind: 'signed' },
};

/** Whether a word of text names a scalar type. */
export function isScalarType(word: string): word is ScalarType {
  return Object.hasOwn(info, word);
}

/** Width in bits. */
export function bitsOf(type: ScalarType): number {
  return info[type].bits;
}

/** Bytes that one element takes in a buffer of the interpreter or of generated code (sub-byte types: one). */
export function bytesOf(type: ScalarType): number {
  return Math.max(1, info[type].bits >> 3);
}

export function isFloat(type: ScalarType): boolean {
  return info[type].kind === 'float';
}

export function isInteger(type: ScalarType): boolean {
  return info[type].kind === 'signed' || info[type].kind === 'unsigned';
}

/** What is below every other value of a type, of integers of at most 32 bits: it never wins a maximum. */
export function lowestOf(type: ScalarType): number {
  return isInteger(type) ? integerRange(type)[0] : Number.NEGATIVE_INFINITY;
}

/** Smallest and largest value of an integer type of at most 32 bits. */
export function integerRange(type: ScalarType): readonly [min: number, max: number] {
  const { bits, kind } = info[type];
  return kind === 'signed' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}
