import { describe, expect, it } from 'vitest';
import { decodeF16, formats } from '../../src/numerics/index.ts';
import { haveVectors, vectorFile } from './contract.ts';

const { codebookGrid, decodeRow, e2m1, e4m3, encodeRow, integerGrid, mxfp4, ternary } = formats;

// Blocks as ggml stores them, read here into codes and scales; what these stand for is the formats' own.

interface Vectors {
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly types: Readonly<Record<string, Readonly<Record<string, { readonly q: string; readonly deq: string[] }>>>>;
}

/** A block of bytes as codes, with a scale for each run of `block` of them. */
interface Reader {
  readonly bytes: number;
  readonly grid: formats.Grid;
  readonly block: number;
  readonly read: (at: DataView) => { readonly codes: readonly number[]; readonly scales: readonly number[] };
}

const half = (at: DataView, byte: number) => decodeF16(at.getUint16(byte, true));
const each = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

/** The low four bits of `count` bytes, then the high ones. */
const nibbles = (at: DataView, from: number, count: number) => [
  ...each(count, (i) => at.getUint8(from + i) & 15),
  ...each(count, (i) => at.getUint8(from + i) >> 4),
];

const levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/** The code of a whole number in two's complement. */
const codeOf = (bits: number) => (value: number) => value & (2 ** bits - 1);
const trit = codeOf(2);

const readers: Readonly<Record<string, Reader>> = {
  q4_0: {
    ...{ bytes: 18, grid: integerGrid(4), block: 32 },
    read: (at) => ({ codes: nibbles(at, 2, 16).map((q) => codeOf(4)(q - 8)), scales: [half(at, 0)] }),
  },
  q5_0: {
    ...{ bytes: 22, grid: integerGrid(5), block: 32 },
    read: (at) => {
      const high = at.getUint32(2, true);
      const codes = nibbles(at, 6, 16).map((q, i) => codeOf(5)((q | (((high >>> i) & 1) << 4)) - 16));
      return { codes, scales: [half(at, 0)] };
    },
  },
  q8_0: {
    ...{ bytes: 34, grid: integerGrid(8), block: 32 },
    read: (at) => ({ codes: each(32, (i) => at.getUint8(2 + i)), scales: [half(at, 0)] }),
  },
  q6_K: {
    ...{ bytes: 210, grid: integerGrid(6), block: 16 },
    read: (at) => {
      const codes = each(256, (i) => {
        const [n, quarter, l] = [i >> 7, (i >> 5) & 3, i & 31];
        const low = (at.getUint8(64 * n + 32 * (quarter & 1) + l) >> (4 * (quarter >> 1))) & 15;
        const high = (at.getUint8(128 + 32 * n + l) >> (2 * quarter)) & 3;
        return codeOf(6)((low | (high << 4)) - 32);
      });
      return { codes, scales: each(16, (s) => half(at, 208) * at.getInt8(192 + s)) };
    },
  },
  iq4_nl: {
    ...{ bytes: 18, grid: codebookGrid('iq4_nl', levels), block: 32 },
    read: (at) => ({ codes: nibbles(at, 2, 16), scales: [half(at, 0)] }),
  },
  iq4_xs: {
    ...{ bytes: 136, grid: codebookGrid('iq4_nl', levels), block: 32 },
    read: (at) => ({
      codes: each(8, (b) => nibbles(at, 8 + 16 * b, 16)).flat(),
      scales: each(8, (b) => {
        const low = (at.getUint8(4 + (b >> 1)) >> (4 * (b & 1))) & 15;
        const high = (at.getUint16(2, true) >> (2 * b)) & 3;
        return half(at, 0) * ((low | (high << 4)) - 32);
      }),
    }),
  },
  tq1_0: {
    ...{ bytes: 54, grid: ternary, block: 256 },
    read: (at) => {
      const digit = (byte: number, n: number) => (((at.getUint8(byte) * 3 ** n) & 255) * 3) >> 8;
      const part = (from: number, count: number, digits: number) =>
        each(digits * count, (i) => trit(digit(from + (i % count), Math.floor(i / count)) - 1));
      return { codes: [...part(0, 32, 5), ...part(32, 16, 5), ...part(48, 4, 4)], scales: [half(at, 52)] };
    },
  },
  tq2_0: {
    ...{ bytes: 66, grid: ternary, block: 256 },
    read: (at) => {
      const codeAt = (i: number) => (at.getUint8(32 * (i >> 7) + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3;
      return { codes: each(256, (i) => trit(codeAt(i) - 1)), scales: [half(at, 64)] };
    },
  },
  mxfp4: {
    ...{ bytes: 17, grid: e2m1, block: 32 },
    read: (at) => ({ codes: nibbles(at, 1, 16), scales: [2 ** (at.getUint8(0) - 127)] }),
  },
  nvfp4: {
    ...{ bytes: 36, grid: e2m1, block: 16 },
    read: (at) => ({
      codes: each(4, (s) => nibbles(at, 4 + 8 * s, 8)).flat(),
      scales: each(4, (s) => e4m3.decode(at.getUint8(s))),
    }),
  },
};

const vectors = haveVectors ? (vectorFile('ggml_quants.json') as unknown as Vectors) : { inputs: {}, types: {} };
const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const floatsOf = (words: readonly string[]) =>
  new Float32Array(Uint32Array.from(words, (word) => Number.parseInt(word, 16)).buffer);

/** Zeros without a sign. */
const unsigned = <T extends Float32Array | Float64Array>(numbers: T) => numbers.map((x) => x + 0) as T;

/** The codes and scales of all blocks. */
function rowOf({ bytes, read }: Reader, hex: string): formats.EncodedRow {
  const all = bytesOf(hex);
  const blocks = each(all.length / bytes, (b) => read(new DataView(all.buffer, b * bytes, bytes)));
  return {
    codes: Uint8Array.from(blocks.flatMap(({ codes }) => codes)),
    scales: Float64Array.from(blocks.flatMap(({ scales }) => scales)),
  };
}

describe.skipIf(!haveVectors)('formats against blocks of ggml (../shared/conformance/formats/ggml_quants.json)', () => {
  it.each(Object.entries(readers))('%s: the numbers that its bytes stand for', (name, reader) => {
    for (const input of Object.keys(vectors.inputs)) {
      const { q, deq } = vectors.types[name]?.[input] ?? { q: '', deq: [] };
      const { grid, block } = reader;
      const found = decodeRow(rowOf(reader, q), { name, grid, block, scale: () => 1 });
      expect(unsigned(Float32Array.from(found)), input).toEqual(unsigned(floatsOf(deq)));
    }
  });

  it('mxfp4: the same scales, and codes for numbers as near; ggml takes ties towards zero', () => {
    for (const [input, words] of Object.entries(vectors.inputs)) {
      const values = floatsOf(words);
      const wanted = rowOf(readers.mxfp4 as Reader, vectors.types.mxfp4?.[input]?.q ?? '');
      const found = encodeRow(values, mxfp4);
      const errors = (row: formats.EncodedRow) =>
        decodeRow(row, mxfp4).map((x, i) => Math.abs(x - (values[i] as number)));
      expect(found.scales, input).toEqual(wanted.scales);
      expect(errors(found), input).toEqual(errors(wanted));
    }
  });
});
