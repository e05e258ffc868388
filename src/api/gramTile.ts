import { blocksOf, type Gram, mirrored } from '../linalg/index.ts';
import { compileTile, type ProductTile, panel, type TileKind } from './productTile.ts';

/** Columns of X on both sides of a tile. */
const edge = 256;

/** Rows of X in a tile, and the largest code: depth·largest² stays below 2³¹, so that sums are exact. */
const [depth, largest] = [2048, 1023];

/** Columns that are packed at once: what is read of them, and where it goes, fits the cache. */
const strip = 16;

type GramTile = ProductTile<Int16Array, Int32Array>;

const codeProducts: TileKind<Int16Array, Int32Array> = { op: 'int.matmul', factor: 'i16', sum: 'i32' };

/** Some rows of X as codes of 11 bits, in the order of both operands, and the scale of each column. */
interface Codes {
  readonly left: Int16Array;
  readonly right: Int16Array;
  readonly scales: Float64Array;
}

/**
 * XᵀX of many columns, by 16-bit products with exact sums. Every 2048 rows a column has codes of 11 bits on a scale of
 * its own: an element of X moves by 1/2046 of the column's largest at most, by which its square means moves far less than
 * by GPTQ's smallest damping.
 */
export async function compileGram(): Promise<(n: number) => Gram> {
  const tile = await compileTile(codeProducts, edge, depth);
  return (n) => {
    const sums = new Float64Array(n * n);
    const waiting = new Float32Array(depth * n);
    let count = 0;
    const addWaiting = () => {
      if (count > 0) addRows(tile, sums, waiting.subarray(0, count * n), n);
      count = 0;
    };
    return {
      add(rows) {
        for (let from = 0, taken = 0; from < rows.length; from += taken) {
          taken = Math.min(rows.length - from, waiting.length - count * n);
          waiting.set(rows.subarray(from, from + taken), count * n);
          count += taken / n;
          if (count === depth) addWaiting();
        }
      },
      finish() {
        addWaiting();
        return mirrored(sums, n);
      },
    };
  };
}

/** sums += XᵀX on and above the diagonal, for `depth` rows of n numbers at most. */
function addRows(tile: GramTile, sums: Float64Array, rows: Float32Array, n: number): void {
  const padded = Math.ceil(n / edge) * edge;
  const codes = encode(rows, n, padded);
  const tiles = blocksOf(padded, edge);
  for (const [top] of tiles) {
    tile.a.set(codes.left.subarray(top * depth, (top + edge) * depth));
    for (const [left] of tiles) {
      if (left < top) continue;
      tile.b.set(codes.right.subarray(left * depth, (left + edge) * depth));
      tile.run();
      addTile(tile, sums, n, top, left, codes.scales);
    }
  }
}

function encode(data: Float32Array, n: number, padded: number): Codes {
  const rows = data.length / n;
  const scales = new Float64Array(n);
  for (let k = 0, at = 0; k < rows; k++) {
    for (let c = 0; c < n; c++, at++) scales[c] = Math.max(scales[c] as number, Math.abs(data[at] as number));
  }
  const inverse = scales.map((most) => (most > 0 ? largest / most : 0));
  const [left, right] = [new Int16Array(padded * depth), new Int16Array(padded * depth)];
  for (const [first, end] of blocksOf(n, strip)) {
    for (let k = 0; k < rows; k++) {
      const row = k * n;
      for (let c = first; c < end; c++) {
        const code = Math.floor((data[row + c] as number) * (inverse[c] as number) + 0.5);
        left[c * depth + k] = code;
        right[(c - (c % panel)) * depth + k * panel + (c % panel)] = code;
      }
    }
  }
  return { left, right, scales: scales.map((most) => most / largest) };
}

function addTile(
  { y }: GramTile,
  sums: Float64Array,
  n: number,
  top: number,
  left: number,
  scales: Float64Array,
): void {
  for (let i = 0; i < Math.min(edge, n - top); i++) {
    const scale = scales[top + i] as number;
    const row = (top + i) * n + left;
    for (let j = 0; j < Math.min(edge, n - left); j += panel) {
      const at = j * edge + i * panel;
      for (let lane = 0; lane < Math.min(panel, n - left - j); lane++) {
        const sum = (y[at + lane] as number) * scale * (scales[left + j + lane] as number);
        sums[row + j + lane] = (sums[row + j + lane] as number) + sum;
      }
    }
  }
}
