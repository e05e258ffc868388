import { bitsOf, isFloat, type ScalarType } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';

const variableTypes: Partial<Record<ScalarType, string>> = {
  i1: 'bool',
  i8: 'int8_t',
  u8: 'uint8_t',
  i16: 'int16_t',
  u16: 'uint16_t',
  i32: 'int32_t',
  u32: 'uint32_t',
  index: 'int32_t',
  i64: 'int64_t',
  u64: 'uint64_t',
  f32: 'float',
  f64: 'double',
};

/** C type of a variable. Throws an InternalError for a type that kernels don't compute in. */
export function cType(element: ScalarType): string {
  const type = variableTypes[element];
  if (!type) throw new InternalError(`C kernels don't compute in ${element}`);
  return type;
}

/** C type of a stored element: truth values are bytes, small and unusual floats their bit patterns. */
export function cStorageType(element: ScalarType): string {
  if (element === 'i1') return 'uint8_t';
  const type = variableTypes[element];
  if (type) return type;
  const bits = Math.max(8, bitsOf(element));
  return isFloat(element) || element.startsWith('u') ? `uint${bits}_t` : `int${bits}_t`;
}
