import { fnv1a } from '../support/hash.ts';
import { type DType, elementBytes, type TypedArray, viewBytes } from '../support/tensor.ts';

/**
 * The bytes of a constant: little-endian, row-major, one element after the other. They may stay where they are
 * (a file's range) until `bytes()` is called.
 */
export class Resource {
  readonly name: string;
  readonly element: DType;
  readonly length: number;
  /** Whether the bytes are in memory, or `bytes()` may read them anew at each call: nothing should keep them then. */
  readonly kept: 'here' | 'elsewhere';
  readonly #read: () => Uint8Array;
  #hash: string | undefined;

  /** `read` gives length × element size bytes, the same at every call. */
  constructor(
    name: string,
    element: DType,
    length: number,
    read: () => Uint8Array,
    kept: 'here' | 'elsewhere' = 'here',
  ) {
    this.name = name;
    this.element = element;
    this.length = length;
    this.#read = read;
    this.kept = kept;
  }

  static of(name: string, element: DType, data: TypedArray): Resource {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return new Resource(name, element, data.length, () => bytes);
  }

  get byteLength(): number {
    return this.length * elementBytes(this.element);
  }

  bytes(): Uint8Array {
    return this.#read();
  }

  /** The elements as a typed array; a view where the bytes are aligned, else a copy. */
  data(): TypedArray {
    return viewBytes(this.element, this.bytes());
  }

  /** FNV-1a of the bytes, 8 hexadecimal digits. */
  get hash(): string {
    this.#hash ??= fnv1a(this.bytes());
    return this.#hash;
  }
}
