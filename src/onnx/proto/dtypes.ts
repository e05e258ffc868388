import type { DType } from '../../support/tensor.ts';
import type { PackedField } from './model.ts';

/** How ONNX stores an element type. */
export interface ElementStorage {
  readonly dtype: DType;
  /** Bits of one element in `raw_data`; elements below 8 bits share bytes, the first in the lowest bits. */
  readonly bits: number;
  /** The typed field that may hold it instead; its value is the number or, for narrow types, the bit pattern. */
  readonly field: PackedField | 'string_data';
  /** Bits of `raw_data` that one value of the typed field stands for. */
  readonly fieldBits: number;
}

// TensorProto.DataType, by number. Source: onnx/onnx.proto.
const table: readonly (ElementStorage | undefined)[] = [
  undefined,
  { dtype: 'f32', bits: 32, field: 'float_data', fieldBits: 32 },
  { dtype: 'u8', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'i8', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'u16', bits: 16, field: 'int32_data', fieldBits: 16 },
  { dtype: 'i16', bits: 16, field: 'int32_data', fieldBits: 16 },
  { dtype: 'i32', bits: 32, field: 'int32_data', fieldBits: 32 },
  { dtype: 'i64', bits: 64, field: 'int64_data', fieldBits: 64 },
  { dtype: 'string', bits: 0, field: 'string_data', fieldBits: 0 },
  { dtype: 'i1', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'f16', bits: 16, field: 'int32_data', fieldBits: 16 },
  { dtype: 'f64', bits: 64, field: 'double_data', fieldBits: 64 },
  { dtype: 'u32', bits: 32, field: 'uint64_data', fieldBits: 32 },
  { dtype: 'u64', bits: 64, field: 'uint64_data', fieldBits: 64 },
  { dtype: 'c64', bits: 64, field: 'float_data', fieldBits: 32 },
  { dtype: 'c128', bits: 128, field: 'double_data', fieldBits: 64 },
  { dtype: 'bf16', bits: 16, field: 'int32_data', fieldBits: 16 },
  { dtype: 'f8e4m3fn', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'f8e4m3fnuz', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'f8e5m2', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'f8e5m2fnuz', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'u4', bits: 4, field: 'int32_data', fieldBits: 8 },
  { dtype: 'i4', bits: 4, field: 'int32_data', fieldBits: 8 },
  { dtype: 'f4e2m1', bits: 4, field: 'int32_data', fieldBits: 8 },
  { dtype: 'f8e8m0', bits: 8, field: 'int32_data', fieldBits: 8 },
  { dtype: 'u2', bits: 2, field: 'int32_data', fieldBits: 8 },
  { dtype: 'i2', bits: 2, field: 'int32_data', fieldBits: 8 },
];

/** The storage of a TensorProto.DataType number; undefined when ONNX does not define it (0 included). */
export function elementStorage(dataType: number): ElementStorage | undefined {
  return table[dataType];
}

/** The TensorProto.DataType number of an element type. */
export function dataTypeNumber(dtype: DType): number {
  return table.findIndex((entry) => entry?.dtype === dtype);
}
