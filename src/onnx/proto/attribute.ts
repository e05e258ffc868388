import { QcError } from '../../support/diagnostics.ts';
import type {
  AttributeProto,
  AttributeType,
  AttributeValue,
  GraphProto,
  SparseTensorProto,
  TensorProto,
  TypeProto,
} from './model.ts';
import { decodeSparse, decodeTensor } from './tensorMessage.ts';
import { decodeType } from './type.ts';
import type { WireReader } from './wire.ts';

// AttributeProto.AttributeType, by number. Source: onnx/onnx.proto.
const attributeTypes: readonly (Exclude<AttributeType, 'reference'> | undefined)[] = [
  undefined,
  'float',
  'int',
  'string',
  'tensor',
  'graph',
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
  'sparse',
  'sparses',
  'type',
  'types',
];

/** The AttributeProto.AttributeType number of a type. */
export function attributeTypeNumber(type: AttributeType): number {
  return type === 'reference' ? 0 : attributeTypes.indexOf(type);
}

/** Everything that an attribute message holds, before its type says which field counts. */
interface Fields {
  float?: number;
  int?: bigint;
  string?: Uint8Array;
  tensor?: TensorProto;
  graph?: GraphProto;
  type?: TypeProto;
  sparse?: SparseTensorProto;
  readonly floats: number[];
  readonly ints: bigint[];
  readonly strings: Uint8Array[];
  readonly tensors: TensorProto[];
  readonly graphs: GraphProto[];
  readonly types: TypeProto[];
  readonly sparses: SparseTensorProto[];
}

/**
 * Decodes the body of an AttributeProto; `decodeGraph` reads the graphs inside it.
 * @throws QcError when the declared type does not exist or the value of that type is missing.
 */
export function decodeAttribute(reader: WireReader, decodeGraph: (reader: WireReader) => GraphProto): AttributeProto {
  let name = '';
  let typeNumber = 0;
  let reference = '';
  const fields: Fields = { floats: [], ints: [], strings: [], tensors: [], graphs: [], types: [], sparses: [] };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 2:
        fields.float = reader.float();
        break;
      case 3:
        fields.int = reader.int64();
        break;
      case 4:
        fields.string = reader.take();
        break;
      case 5:
        fields.tensor = reader.message(decodeTensor);
        break;
      case 6:
        fields.graph = reader.message(decodeGraph);
        break;
      case 7:
        reader.floats(fields.floats);
        break;
      case 8:
        reader.int64s(fields.ints);
        break;
      case 9:
        fields.strings.push(reader.take());
        break;
      case 10:
        fields.tensors.push(reader.message(decodeTensor));
        break;
      case 11:
        fields.graphs.push(reader.message(decodeGraph));
        break;
      case 14:
        fields.type = reader.message(decodeType);
        break;
      case 15:
        fields.types.push(reader.message(decodeType));
        break;
      case 20:
        typeNumber = reader.int32();
        break;
      case 21:
        reference = reader.string();
        break;
      case 22:
        fields.sparse = reader.message(decodeSparse);
        break;
      case 23:
        fields.sparses.push(reader.message(decodeSparse));
        break;
      default:
        reader.skip();
    }
  }
  if (reference) return { name, type: 'reference', value: reference };
  return { name, ...attributeValue(fields, typeOf(name, typeNumber, fields), name) };
}

/** The declared type; before IR version 2 there was none, and the one field that is set tells it. */
function typeOf(name: string, typeNumber: number, fields: Fields): Exclude<AttributeType, 'reference'> {
  const declared = attributeTypes[typeNumber];
  if (declared) return declared;
  if (typeNumber === 0) {
    const present = attributeTypes.filter((type) => type && isPresent(fields[type]));
    if (present.length === 1 && present[0]) return present[0];
  }
  throw new QcError({
    what: `attribute '${name}' has no type that ONNX defines`,
    why: `its type number is ${typeNumber}`,
    help: 'export the model again',
  });
}

function isPresent(value: Fields[keyof Fields]): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}

/** A number or text that is left out is 0 or empty, as protobuf writers may omit it. */
function attributeValue(fields: Fields, type: Exclude<AttributeType, 'reference'>, name: string): AttributeValue {
  switch (type) {
    case 'float':
      return { type, value: fields.float ?? 0 };
    case 'int':
      return { type, value: fields.int ?? 0n };
    case 'string':
      return { type, value: fields.string ?? new Uint8Array() };
    case 'tensor':
      return { type, value: present(fields.tensor, type, name) };
    case 'graph':
      return { type, value: present(fields.graph, type, name) };
    case 'type':
      return { type, value: present(fields.type, type, name) };
    case 'sparse':
      return { type, value: present(fields.sparse, type, name) };
    case 'floats':
      return { type, value: fields.floats };
    case 'ints':
      return { type, value: fields.ints };
    case 'strings':
      return { type, value: fields.strings };
    case 'tensors':
      return { type, value: fields.tensors };
    case 'graphs':
      return { type, value: fields.graphs };
    case 'types':
      return { type, value: fields.types };
    case 'sparses':
      return { type, value: fields.sparses };
  }
}

function present<T>(value: T | undefined, type: AttributeType, name: string): T {
  if (value !== undefined) return value;
  throw new QcError({
    what: `attribute '${name}' has no value`,
    why: `it is declared as a ${type} and holds none`,
    help: 'export the model again',
  });
}
