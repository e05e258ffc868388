import { QcError } from '../../support/diagnostics.ts';
import { decodeAttribute } from './attribute.ts';
import type {
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OpsetImport,
  SparseTensorProto,
  StringEntry,
  TensorProto,
  ValueInfoProto,
} from './model.ts';
import { refuseOtherFormats } from './otherFormats.ts';
import { decodeSparse, decodeStringEntry, decodeTensor } from './tensorMessage.ts';
import { decodeType } from './type.ts';
import { WireReader } from './wire.ts';

/** The newest IR version that this reader knows. */
const newestIrVersion = 14;

/**
 * Decodes an ONNX model. Tensor bytes stay views of `bytes`; tensors are checked when they are read (tensor.ts).
 * `nesting`: how many messages may be inside one another; default 100.
 * @throws QcError when the bytes are no ONNX model, damaged, or of a version that is not known.
 */
export function decodeModel(bytes: Uint8Array, nesting?: number): ModelProto {
  refuseOtherFormats(bytes);
  const reader = new WireReader(bytes, nesting);
  let irVersion = 0n;
  let producerName = '';
  let producerVersion = '';
  let domain = '';
  let modelVersion = 0n;
  let graph: GraphProto | undefined;
  const opsetImports: OpsetImport[] = [];
  const functions: FunctionProto[] = [];
  const metadata: StringEntry[] = [];
  try {
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          irVersion = reader.int64();
          break;
        case 2:
          producerName = reader.string();
          break;
        case 3:
          producerVersion = reader.string();
          break;
        case 4:
          domain = reader.string();
          break;
        case 5:
          modelVersion = reader.int64();
          break;
        case 7:
          if (graph) throw reader.error('the model has two graphs');
          graph = reader.message(decodeGraph);
          break;
        case 8:
          opsetImports.push(reader.message(decodeOpset));
          break;
        case 14:
          metadata.push(reader.message(decodeStringEntry));
          break;
        case 25:
          functions.push(reader.message(decodeFunction));
          break;
        default:
          reader.skip();
      }
    }
  } catch (error) {
    // An ONNX file begins with its IR version or its graph: if neither was seen this is some other file.
    if (!(error instanceof QcError) || irVersion !== 0n || graph || reader.field === 7) throw error;
    throw new QcError({
      what: 'this is not an ONNX model',
      why: `${error.diagnostic.what}: ${error.diagnostic.why ?? ''}`,
      help: 'give a .onnx file, for example the result of torch.onnx.export',
    });
  }
  if (!graph) {
    throw new QcError({
      what: bytes.length === 0 ? 'the model file is empty' : 'this is not an ONNX model: it has no graph',
      why: `the file has ${bytes.length} bytes and no GraphProto`,
      help: 'export or download the model again',
    });
  }
  checkVersions(irVersion, opsetImports);
  return {
    irVersion: Number(irVersion),
    producerName,
    producerVersion,
    domain,
    modelVersion,
    opsetImports,
    graph,
    functions,
    metadata,
  };
}

function checkVersions(irVersion: bigint, opsetImports: readonly OpsetImport[]): void {
  if (irVersion < 1n || irVersion > BigInt(newestIrVersion)) {
    throw new QcError({
      what: `the model's IR version ${irVersion} is not known`,
      why: `qc reads ONNX IR versions 1 to ${newestIrVersion}`,
      help: 'export the model for an earlier ONNX version',
    });
  }
  // Since IR version 3 a model says which operator sets it uses.
  if (irVersion >= 3n && opsetImports.length === 0) {
    throw new QcError({
      what: 'the model does not say which operator set it uses',
      why: 'opset_import is required since IR version 3',
      help: 'export the model again',
    });
  }
}

function decodeOpset(reader: WireReader): OpsetImport {
  let domain = '';
  let version = 0n;
  while (reader.next()) {
    if (reader.field === 1) domain = reader.string();
    else if (reader.field === 2) version = reader.int64();
    else reader.skip();
  }
  if (version < 1n || version > 2n ** 31n) {
    throw new QcError({
      what: `operator set version ${version} of domain '${domain || 'ai.onnx'}' does not exist`,
      why: 'versions count from 1',
      help: 'export the model again',
    });
  }
  return { domain, version: Number(version) };
}

/** Decodes the body of a GraphProto. */
export function decodeGraph(reader: WireReader): GraphProto {
  let name = '';
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const sparseInitializers: SparseTensorProto[] = [];
  const inputs: ValueInfoProto[] = [];
  const outputs: ValueInfoProto[] = [];
  const valueInfos: ValueInfoProto[] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        nodes.push(reader.message(decodeNode));
        break;
      case 2:
        name = reader.string();
        break;
      case 5:
        initializers.push(reader.message(decodeTensor));
        break;
      case 11:
        inputs.push(reader.message(decodeValueInfo));
        break;
      case 12:
        outputs.push(reader.message(decodeValueInfo));
        break;
      case 13:
        valueInfos.push(reader.message(decodeValueInfo));
        break;
      case 15:
        sparseInitializers.push(reader.message(decodeSparse));
        break;
      default:
        reader.skip();
    }
  }
  return { name, nodes, initializers, sparseInitializers, inputs, outputs, valueInfos };
}

function decodeNode(reader: WireReader): NodeProto {
  let name = '';
  let opType = '';
  let domain = '';
  let overload = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: NodeProto['attributes'][number][] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        inputs.push(reader.string());
        break;
      case 2:
        outputs.push(reader.string());
        break;
      case 3:
        name = reader.string();
        break;
      case 4:
        opType = reader.string();
        break;
      case 5:
        attributes.push(reader.message((r) => decodeAttribute(r, decodeGraph)));
        break;
      case 7:
        domain = reader.string();
        break;
      case 8:
        overload = reader.string();
        break;
      default:
        reader.skip();
    }
  }
  return { name, opType, domain, overload, inputs, outputs, attributes };
}

function decodeValueInfo(reader: WireReader): ValueInfoProto {
  let name = '';
  let type: ValueInfoProto['type'];
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) type = reader.message(decodeType);
    else reader.skip();
  }
  return { name, type };
}

function decodeFunction(reader: WireReader): FunctionProto {
  let name = '';
  let domain = '';
  let overload = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: string[] = [];
  const defaults: FunctionProto['defaults'][number][] = [];
  const nodes: NodeProto[] = [];
  const opsetImports: OpsetImport[] = [];
  const valueInfos: ValueInfoProto[] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 4:
        inputs.push(reader.string());
        break;
      case 5:
        outputs.push(reader.string());
        break;
      case 6:
        attributes.push(reader.string());
        break;
      case 7:
        nodes.push(reader.message(decodeNode));
        break;
      case 9:
        opsetImports.push(reader.message(decodeOpset));
        break;
      case 10:
        domain = reader.string();
        break;
      case 11:
        defaults.push(reader.message((r) => decodeAttribute(r, decodeGraph)));
        break;
      case 12:
        valueInfos.push(reader.message(decodeValueInfo));
        break;
      case 13:
        overload = reader.string();
        break;
      default:
        reader.skip();
    }
  }
  return { name, domain, overload, inputs, outputs, attributes, defaults, nodes, opsetImports, valueInfos };
}
