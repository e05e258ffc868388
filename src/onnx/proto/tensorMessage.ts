import type { PackedField, SparseTensorProto, StringEntry, TensorProto } from './model.ts';
import { WireReader, type WireType } from './wire.ts';

// Typed data fields of TensorProto: field number -> name and how one value is encoded.
const packedFields: Record<number, { readonly field: PackedField; readonly element: WireType } | undefined> = {
  4: { field: 'float_data', element: 5 },
  5: { field: 'int32_data', element: 0 },
  7: { field: 'int64_data', element: 0 },
  10: { field: 'double_data', element: 1 },
  11: { field: 'uint64_data', element: 0 },
};

/** Decodes a file that holds one TensorProto (the `.pb` files of ONNX's test data). @throws QcError */
export function decodeTensorFile(bytes: Uint8Array): TensorProto {
  return decodeTensor(new WireReader(bytes));
}

/** Decodes the body of a TensorProto. */
export function decodeTensor(reader: WireReader): TensorProto {
  let name = '';
  let dataType = 0;
  let rawData: Uint8Array | undefined;
  let isExternal = false;
  const dims: bigint[] = [];
  const packed = new Map<PackedField, Uint8Array[]>();
  const stringData: Uint8Array[] = [];
  const external: StringEntry[] = [];
  while (reader.next()) {
    const typed = packedFields[reader.field];
    if (typed) {
      const pieces = packed.get(typed.field) ?? [];
      packed.set(typed.field, pieces);
      pieces.push(reader.packed(typed.element));
      continue;
    }
    switch (reader.field) {
      case 1:
        reader.int64s(dims);
        break;
      case 2:
        dataType = reader.int32();
        break;
      case 3:
        throw reader.error('a tensor in segments was never part of a released ONNX version');
      case 6:
        stringData.push(reader.take());
        break;
      case 8:
        name = reader.string();
        break;
      case 9:
        rawData = reader.take();
        break;
      case 13:
        external.push(reader.message(decodeStringEntry));
        break;
      case 14:
        isExternal = reader.int32() === 1;
        break;
      default:
        reader.skip();
    }
  }
  return {
    name,
    dims,
    dataType,
    packed,
    stringData,
    ...(rawData && { rawData }),
    ...(isExternal && { external }),
  };
}

/** Decodes the body of a SparseTensorProto. */
export function decodeSparse(reader: WireReader): SparseTensorProto {
  let values: TensorProto | undefined;
  let indices: TensorProto | undefined;
  const dims: bigint[] = [];
  while (reader.next()) {
    if (reader.field === 1) values = reader.message(decodeTensor);
    else if (reader.field === 2) indices = reader.message(decodeTensor);
    else if (reader.field === 3) reader.int64s(dims);
    else reader.skip();
  }
  if (!values || !indices) throw reader.error('a sparse tensor lacks its values or its indices');
  return { values, indices, dims };
}

/** Decodes the body of a StringStringEntryProto. */
export function decodeStringEntry(reader: WireReader): StringEntry {
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = reader.string();
    else reader.skip();
  }
  return { key, value };
}
