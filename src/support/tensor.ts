import { QcError } from './diagnostics.ts';

/** Element types of tensors; `i1` is a truth value, the `f8…`, `f4…` names are those of the OCP and IEEE working group drafts. */
export type DType =
  | 'f64'
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'f8e4m3fn'
  | 'f8e4m3fnuz'
  | 'f8e5m2'
  | 'f8e5m2fnuz'
  | 'f8e8m0'
  | 'f4e2m1'
  | 'i64'
  | 'u64'
  | 'i32'
  | 'u32'
  | 'i16'
  | 'u16'
  | 'i8'
  | 'u8'
  | 'i7'
  | 'u7'
  | 'i6'
  | 'u6'
  | 'i5'
  | 'u5'
  | 'i4'
  | 'u4'
  | 'i3'
  | 'u3'
  | 'i2'
  | 'u2'
  | 'i1'
  | 'c64'
  | 'c128'
  | 'string';

export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A typed array type as a value: makes a fresh array, or a view of a buffer. */
export interface TypedArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
}

/**
 * A dense tensor in host memory, row-major.
 *
 * Sub-byte types hold one element a byte (`i4`, `i2` sign-extended, the others as their code); `f16`, `bf16` and the
 * 8-bit floats hold their bit pattern; `i1` holds 0 or 1; complex types hold real and imaginary part in turn.
 */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

interface Storage {
  readonly array: TypedArrayType;
  /** Array elements that one tensor element takes. */
  readonly lanes: 1 | 2;
}

const storage: Record<Exclude<DType, 'string'>, Storage> = {
  f64: { array: Float64Array, lanes: 1 },
  f32: { array: Float32Array, lanes: 1 },
  f16: { array: Uint16Array, lanes: 1 },
  bf16: { array: Uint16Array, lanes: 1 },
  f8e4m3fn: { array: Uint8Array, lanes: 1 },
  f8e4m3fnuz: { array: Uint8Array, lanes: 1 },
  f8e5m2: { array: Uint8Array, lanes: 1 },
  f8e5m2fnuz: { array: Uint8Array, lanes: 1 },
  f8e8m0: { array: Uint8Array, lanes: 1 },
  f4e2m1: { array: Uint8Array, lanes: 1 },
  i64: { array: BigInt64Array, lanes: 1 },
  u64: { array: BigUint64Array, lanes: 1 },
  i32: { array: Int32Array, lanes: 1 },
  u32: { array: Uint32Array, lanes: 1 },
  i16: { array: Int16Array, lanes: 1 },
  u16: { array: Uint16Array, lanes: 1 },
  i8: { array: Int8Array, lanes: 1 },
  u8: { array: Uint8Array, lanes: 1 },
  i4: { array: Int8Array, lanes: 1 },
  u4: { array: Uint8Array, lanes: 1 },
  i2: { array: Int8Array, lanes: 1 },
  u2: { array: Uint8Array, lanes: 1 },
  i3: { array: Int8Array, lanes: 1 },
  u3: { array: Uint8Array, lanes: 1 },
  i5: { array: Int8Array, lanes: 1 },
  u5: { array: Uint8Array, lanes: 1 },
  i6: { array: Int8Array, lanes: 1 },
  u6: { array: Uint8Array, lanes: 1 },
  i7: { array: Int8Array, lanes: 1 },
  u7: { array: Uint8Array, lanes: 1 },
  i1: { array: Uint8Array, lanes: 1 },
  c64: { array: Float32Array, lanes: 2 },
  c128: { array: Float64Array, lanes: 2 },
};

function storageOf(dtype: DType): Storage {
  if (dtype === 'string') {
    throw new QcError({
      what: 'strings have no numeric storage',
      why: 'a tensor of strings cannot be computed with',
      help: 'turn text into token ids before the model',
    });
  }
  return storage[dtype];
}

/** Whether a word names an element type. */
export function isDType(word: string): word is DType {
  return word === 'string' || Object.hasOwn(storage, word);
}

/** The typed array type that holds a dtype's elements in a `HostTensor`. @throws QcError for `string`. */
export function typedArrayOf(dtype: DType): TypedArrayType {
  return storageOf(dtype).array;
}

/** Bytes that one element takes in a `HostTensor`. @throws QcError for `string`. */
export function elementBytes(dtype: DType): number {
  const { array, lanes } = storageOf(dtype);
  return array.BYTES_PER_ELEMENT * lanes;
}

/** Number of elements of a shape; 1 for a scalar. Infinite or inexact products are the caller's to refuse. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) count *= dim;
  return count;
}

/** A tensor filled with zeros. */
export function zeros(dtype: DType, shape: readonly number[]): HostTensor {
  const { array, lanes } = storageOf(dtype);
  return { dtype, shape: [...shape], data: new array(elementCount(shape) * lanes) };
}

/**
 * Bytes (little-endian, one element after the other, as in a `HostTensor`) as a typed array:
 * a view when the bytes are aligned, else a copy. The length must be a whole number of elements.
 */
export function viewBytes(dtype: DType, bytes: Uint8Array): TypedArray {
  const { array } = storageOf(dtype);
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new array(aligned.buffer, aligned.byteOffset, bytes.byteLength / array.BYTES_PER_ELEMENT);
}

/** The bytes of a tensor's data, without a copy. */
export function bytesOfTensor(tensor: HostTensor): Uint8Array {
  const { data } = tensor;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
