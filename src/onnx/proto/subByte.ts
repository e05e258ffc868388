import type { DType } from '../../support/tensor.ts';

// Element types that share bytes in ONNX: bits, and whether the code is a signed number.
const subByteTypes: Partial<Record<DType, { readonly bits: 2 | 4; readonly signed: boolean }>> = {
  i4: { bits: 4, signed: true },
  u4: { bits: 4, signed: false },
  f4e2m1: { bits: 4, signed: false },
  i2: { bits: 2, signed: true },
  u2: { bits: 2, signed: false },
};

/** One element a byte from packed bytes, the first element in the lowest bits; undefined for wider types. */
export function unpackSubByte(dtype: DType, bytes: Uint8Array, count: number): Int8Array | Uint8Array | undefined {
  const type = subByteTypes[dtype];
  if (!type) return undefined;
  const { bits, signed } = type;
  const perByte = 8 / bits;
  const unused = 32 - bits;
  const out = signed ? new Int8Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const code = (bytes[Math.floor(i / perByte)] ?? 0) >> ((i % perByte) * bits);
    out[i] = signed ? (code << unused) >> unused : (code << unused) >>> unused;
  }
  return out;
}

/** The inverse of `unpackSubByte`; undefined for types of whole bytes. */
export function packSubByte(dtype: DType, values: ArrayLike<number | bigint>): Uint8Array | undefined {
  const type = subByteTypes[dtype];
  if (!type) return undefined;
  const { bits } = type;
  const perByte = 8 / bits;
  const bytes = new Uint8Array(Math.ceil(values.length / perByte));
  for (let i = 0; i < values.length; i++) {
    const code = Number(values[i]) & (2 ** bits - 1);
    bytes[Math.floor(i / perByte)] = (bytes[Math.floor(i / perByte)] ?? 0) | (code << ((i % perByte) * bits));
  }
  return bytes;
}
