/** Writes protobuf's wire format; large byte fields are kept by reference until `finish` joins everything. */
export class WireWriter {
  private readonly pieces: Uint8Array[] = [];
  private size = 0;

  int64(field: number, value: bigint): this {
    return this.tag(field, 0).varint(value);
  }

  int32(field: number, value: number): this {
    return this.int64(field, BigInt(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.tag(field, 5).push(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.tag(field, 2).varint(BigInt(value.length)).push(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  strings(field: number, values: readonly string[]): this {
    for (const value of values) this.string(field, value);
    return this;
  }

  /** An embedded message, filled by `write`. */
  message(field: number, write: (writer: WireWriter) => void): this {
    const inner = new WireWriter();
    write(inner);
    this.tag(field, 2).varint(BigInt(inner.size));
    for (const piece of inner.pieces) this.push(piece);
    return this;
  }

  /** One embedded message for each item. */
  messages<T>(field: number, items: readonly T[], write: (writer: WireWriter, item: T) => void): this {
    for (const item of items) this.message(field, (inner) => write(inner, item));
    return this;
  }

  /** A packed list of integers; nothing when it is empty. */
  packedInt64s(field: number, values: readonly bigint[]): this {
    if (values.length === 0) return this;
    return this.message(field, (inner) => {
      for (const value of values) inner.varint(value);
    });
  }

  /** A packed list of floats; nothing when it is empty. */
  packedFloats(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    const bytes = new Uint8Array(values.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true);
    return this.bytes(field, bytes);
  }

  /** The message as one byte array. */
  finish(): Uint8Array {
    const out = new Uint8Array(this.size);
    let offset = 0;
    for (const piece of this.pieces) {
      out.set(piece, offset);
      offset += piece.length;
    }
    return out;
  }

  private tag(field: number, wireType: number): this {
    return this.varint(BigInt(field * 8 + wireType));
  }

  private varint(value: bigint): this {
    let rest = BigInt.asUintN(64, value);
    const bytes: number[] = [];
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.push(Uint8Array.from(bytes));
  }

  private push(piece: Uint8Array): this {
    this.pieces.push(piece);
    this.size += piece.length;
    return this;
  }
}
