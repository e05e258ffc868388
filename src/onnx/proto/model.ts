import type { DType } from '../../support/tensor.ts';

// The parts of onnx.proto that qc reads, as plain objects. Source: onnx/onnx.proto (IR version 14).

/** A whole model. */
export interface ModelProto {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly opsetImports: readonly OpsetImport[];
  readonly graph: GraphProto;
  readonly functions: readonly FunctionProto[];
  readonly metadata: readonly StringEntry[];
}

/** One operator set that a model or function uses; the default domain is ''. */
export interface OpsetImport {
  readonly domain: string;
  readonly version: number;
}

export interface StringEntry {
  readonly key: string;
  readonly value: string;
}

export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly sparseInitializers: readonly SparseTensorProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly valueInfos: readonly ValueInfoProto[];
}

export interface NodeProto {
  readonly name: string;
  readonly opType: string;
  /** '' is the default domain; 'ai.onnx' is the same and is kept as written. */
  readonly domain: string;
  readonly overload: string;
  /** Names of the values read; '' stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly AttributeProto[];
}

export type AttributeProto = { readonly name: string } & AttributeValue;

/** An attribute's value by its type; `reference` names an attribute of the enclosing function. */
export type AttributeValue =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'string'; readonly value: Uint8Array }
  | { readonly type: 'tensor'; readonly value: TensorProto }
  | { readonly type: 'graph'; readonly value: GraphProto }
  | { readonly type: 'type'; readonly value: TypeProto }
  | { readonly type: 'sparse'; readonly value: SparseTensorProto }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly bigint[] }
  | { readonly type: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly type: 'tensors'; readonly value: readonly TensorProto[] }
  | { readonly type: 'graphs'; readonly value: readonly GraphProto[] }
  | { readonly type: 'types'; readonly value: readonly TypeProto[] }
  | { readonly type: 'sparses'; readonly value: readonly SparseTensorProto[] }
  | { readonly type: 'reference'; readonly value: string };

export type AttributeType = AttributeValue['type'];

/** The typed fields of a tensor's data. */
export type PackedField = 'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data';

/** A tensor as stored: nothing is checked or decoded yet (see tensor.ts). All bytes are views of the file. */
export interface TensorProto {
  readonly name: string;
  readonly dims: readonly bigint[];
  /** The number of TensorProto.DataType. */
  readonly dataType: number;
  readonly rawData?: Uint8Array;
  /** The encoded values of each typed field that occurs, in pieces as they lie in the file. */
  readonly packed: ReadonlyMap<PackedField, readonly Uint8Array[]>;
  readonly stringData: readonly Uint8Array[];
  /** Key and value pairs that say where external data lies; undefined when the data is in the model. */
  readonly external?: readonly StringEntry[];
}

export interface SparseTensorProto {
  readonly values: TensorProto;
  readonly indices: TensorProto;
  readonly dims: readonly bigint[];
}

export interface ValueInfoProto {
  readonly name: string;
  readonly type: TypeProto | undefined;
}

/** A value's type. Only tensors are spelled out. */
export type TypeProto =
  | {
      readonly kind: 'tensor' | 'sparse';
      /** undefined when the model leaves the element type open. */
      readonly dtype: DType | undefined;
      /** undefined when the rank is open; a dimension is a size, a symbol, or undefined when it is open. */
      readonly shape: readonly (number | string | undefined)[] | undefined;
    }
  | { readonly kind: 'sequence' | 'optional'; readonly element: TypeProto | undefined }
  | { readonly kind: 'map' | 'opaque' };

/** A function that the model brings along. */
export interface FunctionProto {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes without a default. */
  readonly attributes: readonly string[];
  readonly defaults: readonly AttributeProto[];
  readonly nodes: readonly NodeProto[];
  readonly opsetImports: readonly OpsetImport[];
  readonly valueInfos: readonly ValueInfoProto[];
}
