import { bytesOf, type ScalarType } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';

/** What a load reads behind the end of its buffer: a pattern that no result may depend on. */
const BEYOND = 0xa5;

/** A buffer seen as elements of one type, little-endian; i1 is a byte, i64 and u64 are exact up to 2^53. */
export interface Elements {
  readonly bytesPerElement: number;
  /** Throws an InternalError when the element isn't inside the buffer or the `slack` bytes behind it. */
  readonly get: (index: number) => number;
  /** Throws an InternalError when the element isn't inside the buffer. */
  readonly set: (index: number, value: number) => void;
}

const readers: Partial<Record<ScalarType, (view: DataView, at: number) => number>> = {
  i1: (view, at) => view.getUint8(at),
  i8: (view, at) => view.getInt8(at),
  u8: (view, at) => view.getUint8(at),
  i16: (view, at) => view.getInt16(at, true),
  u16: (view, at) => view.getUint16(at, true),
  i32: (view, at) => view.getInt32(at, true),
  index: (view, at) => view.getInt32(at, true),
  u32: (view, at) => view.getUint32(at, true),
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  u64: (view, at) => Number(view.getBigUint64(at, true)),
  f32: (view, at) => view.getFloat32(at, true),
  f64: (view, at) => view.getFloat64(at, true),
};

const writers: Partial<Record<ScalarType, (view: DataView, at: number, value: number) => void>> = {
  i1: (view, at, value) => view.setUint8(at, value),
  i8: (view, at, value) => view.setInt8(at, value),
  u8: (view, at, value) => view.setUint8(at, value),
  i16: (view, at, value) => view.setInt16(at, value, true),
  u16: (view, at, value) => view.setUint16(at, value, true),
  i32: (view, at, value) => view.setInt32(at, value, true),
  index: (view, at, value) => view.setInt32(at, value, true),
  u32: (view, at, value) => view.setUint32(at, value, true),
  i64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  u64: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  f32: (view, at, value) => view.setFloat32(at, value, true),
  f64: (view, at, value) => view.setFloat64(at, value, true),
};

/** `bytes` as elements. `where` names the kernel and buffer for errors. */
export function elementsOf(bytes: Uint8Array, element: ScalarType, slack: number, where: string): Elements {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const beyond = new DataView(new Uint8Array(8).fill(BEYOND).buffer);
  const size = bytesOf(element);
  const last = bytes.byteLength - size;
  const [read, write] = [readers[element], writers[element]];
  if (!read || !write) throw new InternalError(`${where}: kernels have no elements of type ${element}`);
  const outside = (what: string, index: number): never => {
    throw new InternalError(`${where}: ${what} of ${element} element ${index}, outside its ${bytes.byteLength} bytes`);
  };
  return {
    bytesPerElement: size,
    get(index) {
      const at = index * size;
      if (at >= 0 && at <= last) return read(view, at);
      if (at < 0 || at > last + slack) outside('load', index);
      return read(beyond, 0);
    },
    set(index, value) {
      const at = index * size;
      if (!(at >= 0 && at <= last)) outside('store', index);
      write(view, at, value);
    },
  };
}
