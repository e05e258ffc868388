import { bytesOfTensor, type DType, type HostTensor } from '../../support/tensor.ts';
import { attributeTypeNumber } from './attribute.ts';
import { dataTypeNumber } from './dtypes.ts';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OpsetImport,
  PackedField,
  SparseTensorProto,
  StringEntry,
  TensorProto,
  TypeProto,
  ValueInfoProto,
} from './model.ts';
import { packSubByte } from './subByte.ts';
import { WireWriter } from './wireWriter.ts';

/** Encodes a model as the bytes of a .onnx file; what `decodeModel` reads comes back the same. */
export function encodeModel(model: ModelProto): Uint8Array {
  const writer = new WireWriter().int32(1, model.irVersion);
  optional(writer, 2, model.producerName);
  optional(writer, 3, model.producerVersion);
  optional(writer, 4, model.domain);
  if (model.modelVersion !== 0n) writer.int64(5, model.modelVersion);
  return writer
    .message(7, (w) => writeGraph(w, model.graph))
    .messages(8, model.opsetImports, writeOpset)
    .messages(14, model.metadata, writeEntry)
    .messages(25, model.functions, writeFunction)
    .finish();
}

/** Encodes one tensor as the bytes of a .pb file. */
export function encodeTensorFile(tensor: TensorProto): Uint8Array {
  const writer = new WireWriter();
  writeTensor(writer, tensor);
  return writer.finish();
}

/** A tensor of a model from values in host memory. */
export function tensorProto(name: string, tensor: HostTensor): TensorProto {
  return {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: dataTypeNumber(tensor.dtype),
    rawData: packSubByte(tensor.dtype, tensor.data) ?? bytesOfTensor(tensor),
    packed: new Map(),
    stringData: [],
  };
}

/** An input or output of a graph. */
export function tensorInfo(name: string, dtype: DType, shape: readonly (number | string)[]): ValueInfoProto {
  return { name, type: { kind: 'tensor', dtype, shape } };
}

function optional(writer: WireWriter, field: number, text: string): void {
  if (text !== '') writer.string(field, text);
}

function writeOpset(writer: WireWriter, opset: OpsetImport): void {
  optional(writer, 1, opset.domain);
  writer.int32(2, opset.version);
}

function writeEntry(writer: WireWriter, entry: StringEntry): void {
  writer.string(1, entry.key).string(2, entry.value);
}

function writeGraph(writer: WireWriter, graph: GraphProto): void {
  writer.messages(1, graph.nodes, writeNode);
  optional(writer, 2, graph.name);
  writer
    .messages(5, graph.initializers, writeTensor)
    .messages(11, graph.inputs, writeValueInfo)
    .messages(12, graph.outputs, writeValueInfo)
    .messages(13, graph.valueInfos, writeValueInfo)
    .messages(15, graph.sparseInitializers, writeSparse);
}

function writeNode(writer: WireWriter, node: NodeProto): void {
  writer.strings(1, node.inputs).strings(2, node.outputs);
  optional(writer, 3, node.name);
  writer.string(4, node.opType).messages(5, node.attributes, writeAttribute);
  optional(writer, 7, node.domain);
  optional(writer, 8, node.overload);
}

function writeAttribute(writer: WireWriter, attribute: AttributeProto): void {
  writer.string(1, attribute.name);
  switch (attribute.type) {
    case 'float':
      writer.float(2, attribute.value);
      break;
    case 'int':
      writer.int64(3, attribute.value);
      break;
    case 'string':
      writer.bytes(4, attribute.value);
      break;
    case 'tensor':
      writer.message(5, (w) => writeTensor(w, attribute.value));
      break;
    case 'graph':
      writer.message(6, (w) => writeGraph(w, attribute.value));
      break;
    case 'floats':
      writer.packedFloats(7, attribute.value);
      break;
    case 'ints':
      writer.packedInt64s(8, attribute.value);
      break;
    case 'strings':
      for (const value of attribute.value) writer.bytes(9, value);
      break;
    case 'tensors':
      writer.messages(10, attribute.value, writeTensor);
      break;
    case 'graphs':
      writer.messages(11, attribute.value, writeGraph);
      break;
    case 'type':
      writer.message(14, (w) => writeType(w, attribute.value));
      break;
    case 'types':
      writer.messages(15, attribute.value, writeType);
      break;
    case 'sparse':
      writer.message(22, (w) => writeSparse(w, attribute.value));
      break;
    case 'sparses':
      writer.messages(23, attribute.value, writeSparse);
      break;
    case 'reference':
      writer.string(21, attribute.value);
      return;
  }
  writer.int32(20, attributeTypeNumber(attribute.type));
}

const packedFieldNumbers: Record<PackedField, number> = {
  float_data: 4,
  int32_data: 5,
  int64_data: 7,
  double_data: 10,
  uint64_data: 11,
};

function writeTensor(writer: WireWriter, tensor: TensorProto): void {
  writer.packedInt64s(1, tensor.dims).int32(2, tensor.dataType);
  for (const [field, pieces] of tensor.packed) {
    for (const piece of pieces) writer.bytes(packedFieldNumbers[field], piece);
  }
  for (const value of tensor.stringData) writer.bytes(6, value);
  optional(writer, 8, tensor.name);
  if (tensor.rawData) writer.bytes(9, tensor.rawData);
  if (tensor.external) writer.messages(13, tensor.external, writeEntry).int32(14, 1);
}

function writeSparse(writer: WireWriter, sparse: SparseTensorProto): void {
  writer
    .message(1, (w) => writeTensor(w, sparse.values))
    .message(2, (w) => writeTensor(w, sparse.indices))
    .packedInt64s(3, sparse.dims);
}

function writeValueInfo(writer: WireWriter, info: ValueInfoProto): void {
  writer.string(1, info.name);
  const { type } = info;
  if (type) writer.message(2, (w) => writeType(w, type));
}

const typeFields = { tensor: 1, sequence: 4, map: 5, opaque: 7, sparse: 8, optional: 9 } as const;

function writeType(writer: WireWriter, type: TypeProto): void {
  writer.message(typeFields[type.kind], (w) => {
    if (type.kind === 'sequence' || type.kind === 'optional') {
      const { element } = type;
      if (element) w.message(1, (inner) => writeType(inner, element));
    } else if (type.kind === 'tensor' || type.kind === 'sparse') {
      if (type.dtype) w.int32(1, dataTypeNumber(type.dtype));
      if (type.shape) w.message(2, (inner) => inner.messages(1, type.shape ?? [], writeDimension));
    }
  });
}

function writeDimension(writer: WireWriter, dimension: number | string | undefined): void {
  if (typeof dimension === 'number') writer.int64(1, BigInt(dimension));
  else if (dimension !== undefined) writer.string(2, dimension);
}

function writeFunction(writer: WireWriter, fn: FunctionProto): void {
  writer.string(1, fn.name).strings(4, fn.inputs).strings(5, fn.outputs).strings(6, fn.attributes);
  writer.messages(7, fn.nodes, writeNode).messages(9, fn.opsetImports, writeOpset);
  optional(writer, 10, fn.domain);
  writer.messages(11, fn.defaults, writeAttribute).messages(12, fn.valueInfos, writeValueInfo);
  optional(writer, 13, fn.overload);
}
