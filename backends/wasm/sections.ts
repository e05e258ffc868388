import { invariant } from '../../src/support/diagnostics.ts';

const customId = 0;
const dataId = 11;
/** Magic number and version. */
const headerBytes = 8;

/** Unsigned LEB128. */
function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128 of an i32, as `i32.const` holds an address. */
function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && !(low & 64)) || (rest === -1 && low & 64)) return [...bytes, low];
    bytes.push(low + 128);
  }
}

function section(id: number, head: readonly number[], body: Uint8Array): Uint8Array[] {
  return [Uint8Array.from([id, ...unsignedLeb(head.length + body.byteLength), ...head]), body];
}

/** Joins pieces of bytes. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((n, piece) => n + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.byteLength;
  }
  return joined;
}

/** Where the last section that is not a custom one ends: data belong behind code. */
function endOfCode(wasm: Uint8Array): number {
  let end = headerBytes;
  for (let at = headerBytes; at < wasm.byteLength; ) {
    const id = wasm[at++];
    let size = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = wasm[at++];
      invariant(byte !== undefined, 'a section of the module is cut off');
      size += (byte & 127) * scale;
      if (byte < 128) break;
    }
    at += size;
    invariant(id !== dataId, 'the module already has data');
    if (id !== customId) end = at;
  }
  return end;
}

/** A module with one active segment: `data` copied to `address` when it is instantiated. Large data is not parsed. */
export function withData(wasm: Uint8Array, address: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = endOfCode(wasm);
  const i32Const = 0x41;
  const end = 0x0b;
  const head = [1, 0, i32Const, ...signedLeb(address), end, ...unsignedLeb(data.byteLength)];
  return joinBytes([wasm.subarray(0, at), ...section(dataId, head, data), wasm.subarray(at)]);
}

/** A module with one more custom section at its end. */
export function withCustomSection(wasm: Uint8Array, name: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(name);
  return joinBytes([wasm, ...section(customId, [...unsignedLeb(text.length), ...text], body)]);
}
