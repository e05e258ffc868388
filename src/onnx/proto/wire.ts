import { QcError } from '../../support/diagnostics.ts';

/** How a field is encoded. Source: protobuf.dev/programming-guides/encoding. */
export type WireType = 0 | 1 | 2 | 5;

const wireTypeNames: Record<number, string> = { 0: 'varint', 1: '64-bit', 2: 'length-delimited', 5: '32-bit' };

/** Messages inside one another, unless it is said otherwise; protobuf's own limit. */
const protobufNesting = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads protobuf's wire format from a byte array that may be larger than 2 GB, without copying.
 * Every method throws QcError with the byte offset when the bytes cannot be what they claim.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  /** Number of the field that `next` found. */
  field = 0;
  private wireType = 0;
  private position: number;
  private end: number;
  private depth = 0;
  private readonly view: DataView;
  // The two 32-bit halves of the last varint.
  private low = 0;
  private high = 0;

  private readonly nesting: number;

  /** `nesting`: how many messages may be inside one another. */
  constructor(bytes: Uint8Array, nesting: number = protobufNesting) {
    this.bytes = bytes;
    this.nesting = nesting;
    this.position = 0;
    this.end = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads the next field's tag; false at the end of the message. */
  next(): boolean {
    if (this.position === this.end) return false;
    const start = this.position;
    this.varint();
    if (this.high !== 0) throw this.error('a field number is too large', start);
    this.field = this.low >>> 3;
    this.wireType = this.low & 7;
    if (this.field === 0) throw this.error('field number 0 does not exist', start);
    if (this.wireType === 3 || this.wireType === 4) throw this.error('groups are not part of ONNX', start);
    if (this.wireType > 5) throw this.error(`wire type ${this.wireType} does not exist`, start);
    return true;
  }

  /** Passes over the field that `next` found. */
  skip(): void {
    if (this.wireType === 0) this.varint();
    else if (this.wireType === 1) this.advance(8);
    else if (this.wireType === 5) this.advance(4);
    else this.advance(this.length());
  }

  /** A signed 64-bit field. */
  int64(): bigint {
    this.expect(0);
    return this.readInt64();
  }

  /** A signed 32-bit field; as in protobuf the upper half is cut off. */
  int32(): number {
    this.expect(0);
    this.varint();
    return this.low | 0;
  }

  float(): number {
    this.expect(5);
    return this.view.getFloat32(this.advance(4), true);
  }

  /** A length-delimited field as a view of the input. */
  take(): Uint8Array {
    this.expect(2);
    const length = this.length();
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A text field. */
  string(): string {
    const start = this.position;
    const bytes = this.take();
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.error('a text is not valid UTF-8', start);
    }
  }

  /** An embedded message, read by `read` until its own end. */
  message<T>(read: (reader: WireReader) => T): T {
    this.expect(2);
    const start = this.position;
    if (++this.depth > this.nesting) {
      throw this.error(`messages are nested more than ${this.nesting} deep, the import's limit 'nesting'`, start);
    }
    const length = this.length();
    const outerEnd = this.end;
    this.end = this.advance(length) + length;
    this.position = this.end - length;
    const result = read(this);
    this.position = this.end;
    this.end = outerEnd;
    this.depth--;
    return result;
  }

  /** A repeated signed 64-bit field, packed or one by one: appends to `into`. */
  int64s(into: bigint[]): void {
    if (this.wireType === 0) {
      into.push(this.int64());
      return;
    }
    const start = this.position;
    const count = readVarints([this.take()], (_, value) => into.push(value));
    if (count === undefined) throw this.error('a packed list of integers is damaged', start);
  }

  /** A repeated float field, packed or one by one: appends to `into`. */
  floats(into: number[]): void {
    if (this.wireType === 5) {
      into.push(this.float());
      return;
    }
    const start = this.position;
    const bytes = this.take();
    if (bytes.length % 4 !== 0) throw this.error('a packed list of floats ends inside a value', start);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < bytes.length; i += 4) into.push(view.getFloat32(i, true));
  }

  /** A repeated scalar field, as the bytes of its encoded values: one value, or many when packed. */
  packed(elementType: WireType): Uint8Array {
    if (this.wireType === 2) return this.take();
    this.expect(elementType);
    const start = this.position;
    this.skip();
    return this.bytes.subarray(start, this.position);
  }

  /** An error at a byte offset, by default that of the next byte. */
  error(why: string, offset: number = this.position): QcError {
    return new QcError({
      what: `the file is damaged at byte ${offset}`,
      why,
      help: 'export or download the model again',
    });
  }

  private expect(wireType: WireType): void {
    if (this.wireType !== wireType) {
      throw this.error(
        `field ${this.field} is encoded as ${wireTypeNames[this.wireType]}, ONNX says ${wireTypeNames[wireType]}`,
      );
    }
  }

  private readInt64(): bigint {
    this.varint();
    if (this.high === 0) return BigInt(this.low);
    return BigInt.asIntN(64, (BigInt(this.high) << 32n) | BigInt(this.low));
  }

  private length(): number {
    const start = this.position;
    this.varint();
    const length = this.high * 2 ** 32 + this.low;
    if (length > this.end - this.position) throw this.truncated(start, length);
    return length;
  }

  /** Moves on by `count` bytes and returns where they start. */
  private advance(count: number): number {
    const start = this.position;
    if (count > this.end - start) throw this.truncated(start, count);
    this.position = start + count;
    return start;
  }

  private truncated(offset: number, wanted: number): QcError {
    const message = this.end === this.bytes.length ? 'the file' : 'the enclosing message';
    return new QcError({
      what: `the file is truncated or damaged at byte ${offset}`,
      why: `${wanted} bytes are announced there and ${message} has ${this.end - offset} left`,
      help: 'export or download the model again',
    });
  }

  /** Reads a varint of at most 64 bits into `low` and `high`. */
  private varint(): void {
    const start = this.position;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw this.truncated(start, this.position - start + 1);
      const byte = this.bytes[this.position++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else if (byte > 1) throw this.error('a number has more than 64 bits', start);
      else high |= bits << 31;
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
  }
}

/**
 * Hands each value of packed varints to `put` as a signed 64-bit number and returns how many there are;
 * undefined when a value has more than 64 bits or is cut off.
 */
export function readVarints(
  pieces: readonly Uint8Array[],
  put: (index: number, value: bigint) => void,
): number | undefined {
  let count = 0;
  for (const piece of pieces) {
    let value = 0n;
    let small = 0;
    let shift = 0;
    for (const byte of piece) {
      if (shift < 28) small |= (byte & 0x7f) << shift;
      else value |= BigInt(byte & 0x7f) << BigInt(shift);
      shift += 7;
      if (byte < 0x80) {
        put(count++, BigInt.asIntN(64, value | BigInt(small)));
        value = 0n;
        small = 0;
        shift = 0;
      } else if (shift >= 70) return undefined;
    }
    if (shift !== 0) return undefined;
  }
  return count;
}
