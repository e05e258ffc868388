import { QcError } from '../../support/diagnostics.ts';
import { elementStorage } from './dtypes.ts';
import type { TypeProto } from './model.ts';
import type { WireReader } from './wire.ts';

/** Decodes the body of a TypeProto; a type that says nothing is `opaque`. */
export function decodeType(reader: WireReader): TypeProto {
  let type: TypeProto = { kind: 'opaque' };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        type = reader.message((r) => decodeTensorType(r, 'tensor'));
        break;
      case 4:
        type = { kind: 'sequence', element: reader.message(decodeElement) };
        break;
      case 5:
        type = { kind: 'map' };
        reader.skip();
        break;
      case 7:
        type = { kind: 'opaque' };
        reader.skip();
        break;
      case 8:
        type = reader.message((r) => decodeTensorType(r, 'sparse'));
        break;
      case 9:
        type = { kind: 'optional', element: reader.message(decodeElement) };
        break;
      default:
        reader.skip();
    }
  }
  return type;
}

function decodeElement(reader: WireReader): TypeProto | undefined {
  let element: TypeProto | undefined;
  while (reader.next()) {
    if (reader.field === 1) element = reader.message(decodeType);
    else reader.skip();
  }
  return element;
}

function decodeTensorType(reader: WireReader, kind: 'tensor' | 'sparse'): TypeProto {
  let elementType = 0;
  let shape: (number | string | undefined)[] | undefined;
  while (reader.next()) {
    if (reader.field === 1) elementType = reader.int32();
    else if (reader.field === 2) shape = reader.message(decodeShape);
    else reader.skip();
  }
  const storage = elementStorage(elementType);
  if (elementType !== 0 && !storage) {
    throw new QcError({
      what: `a value has element type ${elementType}, which ONNX does not define`,
      where: 'the types of the model’s inputs, outputs and values',
      help: 'export the model for an earlier ONNX version',
    });
  }
  return { kind, dtype: storage?.dtype, shape };
}

function decodeShape(reader: WireReader): (number | string | undefined)[] {
  const shape: (number | string | undefined)[] = [];
  while (reader.next()) {
    if (reader.field === 1) shape.push(reader.message(decodeDimension));
    else reader.skip();
  }
  return shape;
}

/** A size or a symbol; some exporters write a negative size or an empty symbol where the dimension is open. */
function decodeDimension(reader: WireReader): number | string | undefined {
  let dimension: number | string | undefined;
  while (reader.next()) {
    if (reader.field === 1) {
      const size = reader.int64();
      if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw reader.error(`a dimension of ${size} is too large`);
      dimension = size < 0n ? undefined : Number(size);
    } else if (reader.field === 2) dimension = reader.string() || undefined;
    else reader.skip();
  }
  return dimension;
}
