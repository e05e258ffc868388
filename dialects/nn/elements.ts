import { type DType, type HostTensor, type TypedArray, typedArrayOf } from '../../src/support/tensor.ts';

// How reference evaluations read and make tensors. Floats are computed in f64; integers keep their type.

/** Whether the elements are 64-bit integers, which JavaScript holds as BigInt. */
export function isBig(dtype: DType): boolean {
  return dtype === 'i64' || dtype === 'u64';
}

/** Whether the elements arrive as plain real numbers. */
export function isReal(dtype: DType): boolean {
  return dtype === 'f32' || dtype === 'f64';
}

/** The elements of any numeric tensor as f64; the tensor's own array where it is f64 already. */
export function toF64(tensor: HostTensor): Float64Array {
  const { data } = tensor;
  if (data instanceof Float64Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  return new Float64Array(data);
}

/** A result of real arithmetic, to be rounded by the interpreter. */
export function real(shape: readonly number[], data: Float64Array): HostTensor {
  return { dtype: 'f64', shape, data };
}

/** A tensor of truth values. */
export function truths(shape: readonly number[], data: Uint8Array): HostTensor {
  return { dtype: 'i1', shape, data };
}

/** Bits of 32 that an element below 8 bits does not have. */
const unusedBits: Partial<Record<DType, number>> = { i4: 28, u4: 28, i2: 30, u2: 30 };

function wrapNarrow(v: number, unused: number, signed: boolean): number {
  return signed ? (v << unused) >> unused : (v << unused) >>> unused;
}

/** Numbers as elements of `dtype`: f64 for floats, wrapped for integers, as truth values for i1. */
export function fromNumbers(dtype: DType, shape: readonly number[], values: Float64Array): HostTensor {
  if (isReal(dtype)) return real(shape, values);
  if (dtype === 'i1')
    return truths(
      shape,
      Uint8Array.from(values, (v) => (v === 0 ? 0 : 1)),
    );
  if (dtype === 'i64') return { dtype, shape, data: BigInt64Array.from(values, toBig) };
  if (dtype === 'u64') return { dtype, shape, data: BigUint64Array.from(values, toBig) };
  const data = new (typedArrayOf(dtype))(values.length) as Int32Array;
  const unused = unusedBits[dtype];
  if (unused === undefined) data.set(values);
  else for (let i = 0; i < data.length; i++) data[i] = wrapNarrow(values[i] as number, unused, dtype.startsWith('i'));
  return { dtype, shape, data };
}

/** f(x) for every element; floats in f64, integers in their own type. */
export function mapElements(x: HostTensor, f: (v: number) => number): HostTensor {
  const values = toF64(x);
  const mapped = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) mapped[i] = f(values[i] as number);
  return fromNumbers(x.dtype, x.shape, mapped);
}

/** An array for `count` elements of the same kind as the tensor's. */
export function sameArray(tensor: HostTensor, count: number): TypedArray {
  return new (typedArrayOf(tensor.dtype))(count);
}

function toBig(v: number): bigint {
  return Number.isFinite(v) ? BigInt(Math.trunc(v)) : 0n;
}
