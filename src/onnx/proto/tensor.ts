import { QcError } from '../../support/diagnostics.ts';
import { type DType, type HostTensor, viewBytes } from '../../support/tensor.ts';
import { type ElementStorage, elementStorage } from './dtypes.ts';
import { type ExternalData, type ExternalRange, externalRange, externalReader } from './externalData.ts';
import type { TensorProto } from './model.ts';
import { packedBytes } from './packedData.ts';
import { unpackSubByte } from './subByte.ts';

/** A checked tensor of a model, its data where it lies. */
export interface OnnxTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** How errors speak of it. */
  readonly where: string;
  readonly data: OnnxTensorData;
}

export type OnnxTensorData =
  /** Little-endian, row-major; elements below 8 bits share bytes. A view of the model's bytes where it can be. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A range of another file, not read yet; its length is that of the tensor. */
  | ({ readonly kind: 'external' } & ExternalRange)
  | { readonly kind: 'strings'; readonly values: readonly Uint8Array[] };

/**
 * Checks a tensor and finds its data, without a copy where it is stored as raw bytes or as packed floats.
 * `where` is how errors speak of it. Nothing is allocated before the sizes are known to fit.
 * @throws QcError for an unknown type, impossible dimensions, or data that does not fit them.
 */
export function readTensor(proto: TensorProto, where = `tensor '${proto.name}'`): OnnxTensor {
  const storage = elementStorage(proto.dataType);
  if (!storage) {
    throw new QcError({
      what: `the tensor has element type ${proto.dataType}, which ONNX does not define`,
      where,
      help: 'export the model again, or for an earlier ONNX version',
    });
  }
  const shape = checkedShape(proto.dims, storage, where);
  return { name: proto.name, dtype: storage.dtype, shape, where, data: findData(proto, storage, shape, where) };
}

function checkedShape(dims: readonly bigint[], storage: ElementStorage, where: string): number[] {
  let count = 1n;
  for (const dim of dims) {
    if (dim < 0n) {
      throw new QcError({
        what: `the tensor has a negative dimension in [${dims.join(', ')}]`,
        where,
        help: 'export the model again',
      });
    }
    count *= dim;
    // Only an empty tensor may have dimensions whose product over the others is beyond any memory.
    if (dim > BigInt(Number.MAX_SAFE_INTEGER) || count * BigInt(storage.bits) > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new QcError({
        what: `the tensor's dimensions [${dims.join(', ')}] are too large`,
        where,
        why: 'their product is beyond any memory',
        help: 'export the model again',
      });
    }
  }
  return dims.map(Number);
}

function findData(
  proto: TensorProto,
  storage: ElementStorage,
  shape: readonly number[],
  where: string,
): OnnxTensorData {
  const count = shape.reduce((product, dim) => product * dim, 1);
  const size = Math.ceil((count * storage.bits) / 8);
  const filled = [...proto.packed].filter(([, pieces]) => pieces.some((piece) => piece.length > 0));
  const raw = proto.rawData && proto.rawData.length > 0 ? proto.rawData : undefined;
  const payloads = [
    ...(proto.external ? ['external_data'] : []),
    ...(raw ? ['raw_data'] : []),
    ...(proto.stringData.length > 0 ? ['string_data'] : []),
    ...filled.map(([field]) => field),
  ];
  if (payloads.length > 1) {
    throw new QcError({
      what: `the tensor holds its data more than once, in ${payloads.join(' and ')}`,
      where,
      why: 'only one of them can be meant',
      help: 'export the model again',
    });
  }
  if (storage.dtype === 'string') {
    if (proto.stringData.length !== count) throw sizeError(where, shape, `${count} strings`, proto.stringData.length);
    return { kind: 'strings', values: proto.stringData };
  }
  if (proto.external) return { kind: 'external', ...externalRange(proto.external, size, where) };
  if (raw) {
    if (raw.length !== size) throw sizeError(where, shape, `${size} bytes of ${storage.dtype}`, raw.length);
    return { kind: 'bytes', bytes: raw };
  }
  const [field, pieces] = filled[0] ?? [storage.field, []];
  if (field !== storage.field) {
    throw new QcError({
      what: `the tensor's data is in ${payloads[0]}, where ${storage.dtype} is not stored`,
      where,
      why: `${storage.dtype} belongs into raw_data or ${storage.field}`,
      help: 'export the model again',
    });
  }
  const values = (size * 8) / storage.fieldBits;
  return { kind: 'bytes', bytes: packedBytes(field, storage.fieldBits, Math.ceil(values), pieces, where, shape) };
}

function sizeError(where: string, shape: readonly number[], wanted: string, found: number): QcError {
  return new QcError({
    what: `the tensor's data does not fit its shape [${shape.join(', ')}]`,
    where,
    why: `${wanted} are needed and ${found} are there`,
    help: 'export or download the model again',
  });
}

/**
 * What gives the bytes of a tensor as ONNX stores them; those in an external file are read at each call.
 * @throws QcError at once when they cannot be had
 */
export function tensorReader(tensor: OnnxTensor, external?: ExternalData): () => Uint8Array {
  const { data, where } = tensor;
  if (data.kind === 'bytes') return () => data.bytes;
  if (data.kind === 'external') return externalReader(data, external, where);
  throw new QcError({
    what: 'the tensor holds text',
    where,
    why: 'qc computes with numbers only',
    help: 'turn text into token ids before the model',
  });
}

/** A tensor's values in host memory: a view where they are aligned, else a copy. @throws QcError */
export function hostTensor(tensor: OnnxTensor, external?: ExternalData): HostTensor {
  const { dtype, shape } = tensor;
  const bytes = tensorReader(tensor, external)();
  const unpacked = unpackSubByte(
    dtype,
    bytes,
    shape.reduce((product, dim) => product * dim, 1),
  );
  if (unpacked) return { dtype, shape, data: unpacked };
  if (dtype === 'i1' && bytes.some((byte) => byte > 1)) {
    return { dtype, shape, data: Uint8Array.from(bytes, (byte) => (byte === 0 ? 0 : 1)) };
  }
  return { dtype, shape, data: viewBytes(dtype, bytes) };
}
