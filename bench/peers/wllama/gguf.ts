/** A value of a model file's header. */
export type GgufValue = string | { readonly u32: number } | { readonly f32: number };

/** Values are in blocks of 18 bytes in `q4_0`: a scale in f16, then the codes of 32 of them. */
export interface GgufTensor {
  readonly name: string;
  readonly type: 'f32' | 'q4_0';
  /** The innermost size first. */
  readonly sizes: readonly number[];
  readonly bytes: Uint8Array;
}

const version = 3;
const valueTypes = { u32: 4, f32: 6, string: 8 } as const;
const tensorTypes = { f32: 0, q4_0: 2 } as const;
const alignment = 32;

const padding = (bytes: number) => Buffer.alloc((alignment - (bytes % alignment)) % alignment);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

const text = (value: string) => [u64(Buffer.byteLength(value)), Buffer.from(value)];

function entry([key, value]: readonly [string, GgufValue]): Buffer[] {
  if (typeof value === 'string') return [...text(key), u32(valueTypes.string), ...text(value)];
  const [type, bytes] = 'u32' in value ? (['u32', u32(value.u32)] as const) : (['f32', f32(value.f32)] as const);
  return [...text(key), u32(valueTypes[type]), bytes];
}

/** A model file as llama.cpp reads it: GGUF, version 3 (docs/gguf.md of ggml). */
export function gguf(values: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Uint8Array {
  let offset = 0;
  const described = tensors.flatMap(({ name, type, sizes, bytes }) => {
    const at = offset;
    offset += bytes.length + padding(bytes.length).length;
    return [...text(name), u32(sizes.length), ...sizes.map(u64), u32(tensorTypes[type]), u64(at)];
  });
  const entries = Object.entries(values);
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    u64(tensors.length),
    u64(entries.length),
    ...entries.flatMap(entry),
    ...described,
  ]);
  const data = tensors.flatMap(({ bytes }) => [bytes, padding(bytes.length)]);
  return Buffer.concat([head, padding(head.length), ...data]);
}
