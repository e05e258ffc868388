/** What the runtimes of all targets share: the tensors that a caller gives and gets, and files beside the model. */

/** A size: a number, a symbol by its name, or a function of two sizes. */
export type Size = number | string | readonly [string, Size, Size];

/** An input or output, and where it lies in the memory. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: string;
  /** Sizes, or the text of expressions over the model's symbols. */
  readonly shape: readonly (number | string)[];
  /** The same to compute with, where there are expressions. */
  readonly sizes?: readonly Size[];
  /** Elements, at most. */
  readonly length: number;
  readonly address: number;
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
  /** The axes from outermost to innermost as they lie in memory, where that is not their order. */
  readonly order?: readonly number[];
}

export type Data =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface DataType {
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): Data;
}

export type Tensors = Record<string, Data>;

const arrayTypes: Record<string, DataType> = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  i1: Uint8Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i4: Int8Array,
  i2: Int8Array,
};

export function arrayType(dtype: string): DataType {
  return arrayTypes[dtype] ?? Uint8Array;
}

/** Reads a file beside the model. */
export async function fetchFile(url: URL): Promise<BufferSource | Response> {
  if (url.protocol === 'file:') {
    const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
    const files = host?.getBuiltinModule?.('node:fs/promises') as
      | { readFile(url: URL): Promise<Uint8Array<ArrayBuffer>> }
      | undefined;
    if (files) return files.readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href} could not be loaded: HTTP status ${response.status}`);
  return response;
}

/** Bytes are told apart first: Node loads an HTTP client, for a tenth of a second, when `Response` is first named. */
export function isResponse(source: object): source is Response {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return false;
  return typeof Response !== 'undefined' && source instanceof Response;
}

export async function bytesOf(source: BufferSource | Response): Promise<Uint8Array> {
  const data = isResponse(source) ? await source.arrayBuffer() : source;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** Bounds of a size. One that a program keeps between runs, and that `grows`, begins at `min`. */
export interface SizeBounds {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly grows: boolean;
}

/** What a caller may know of a model. */
export interface ModelSignature {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /** What stays in the model between runs. */
  readonly states: readonly PortInfo[];
  /** The sizes that a run may have. */
  readonly sizes: readonly SizeBounds[];
}

/** An input, output or state without its place in the memory. */
export type PortInfo = Omit<TensorInfo, 'address' | 'length' | 'sizes'>;

export function describe(infos: readonly TensorInfo[]): PortInfo[] {
  return infos.map(({ address, length, sizes, ...info }) => info);
}

function kindOf(value: unknown): string {
  return ArrayBuffer.isView(value) ? value.constructor.name : Array.isArray(value) ? 'an array' : String(value);
}

/** Throws unless `data` can stand for a tensor. */
export function check(role: string, info: TensorInfo, data: unknown, wanted: number): asserts data is Data {
  checkType(role, info, data);
  const { length } = data;
  if (length !== wanted) {
    const shape = info.shape.join('×') || 'scalar';
    throw new RangeError(
      `${role} ${JSON.stringify(info.name)} has ${length} elements; its shape ${shape} has ${wanted}${info.sizes ? ' here' : ''}`,
    );
  }
}

export function checkType(role: string, info: TensorInfo, data: unknown): asserts data is Data {
  const type = arrayType(info.dtype);
  const clamped = type === Uint8Array && data instanceof Uint8ClampedArray;
  const name = JSON.stringify(info.name);
  if (!clamped && !(ArrayBuffer.isView(data) && data.constructor.name === type.name)) {
    throw new TypeError(`${role} ${name} must be a ${type.name} (${info.dtype}), not ${kindOf(data)}`);
  }
}

/** Throws on a name that the model doesn't have. */
export function checkNames(role: string, infos: readonly TensorInfo[], given: object): void {
  for (const name of Object.keys(given)) {
    if (infos.some((info) => info.name === name)) continue;
    const known = infos.map((info) => JSON.stringify(info.name)).join(', ');
    throw new TypeError(`there is no ${role} ${JSON.stringify(name)}; the model has ${known || 'none'}`);
  }
}
