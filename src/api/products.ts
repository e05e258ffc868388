import { blocksOf, gramBy, type Matrix, type Products, partOf } from '../linalg/index.ts';
import { compileGram } from './gramTile.ts';
import { compileTile, type ProductTile, panel, type TileKind } from './productTile.ts';

type Tile = ProductTile<Float32Array, Float32Array>;

const floats: TileKind<Float32Array, Float32Array> = { op: 'nn.matmul', factor: 'f32', sum: 'f32' };

/** Columns from which XᵀX is made of 16-bit products. */
const leastGram = 1024;

let made: Promise<Products> | undefined;

/**
 * Products in f32 by qc's own kernels for WebAssembly, in tiles whose sums meet in f64. Baseline SIMD alone is used: its
 * floats are the same on every machine.
 */
export function wasmProducts(): Promise<Products> {
  made ??= makeProducts();
  return made;
}

async function makeProducts(): Promise<Products> {
  const [small, large, gram] = await Promise.all([
    compileTile(floats, 128, 128),
    compileTile(floats, 512, 512),
    compileGram(),
  ]);
  const add: Products['add'] = (target, a, b, factor, part = 'all') => {
    const isLarge = Math.min(a.rows, a.columns, b.columns) >= large.edge;
    addByTiles(isLarge ? large : small, target, a, b, factor, part === 'upper');
  };
  const plainGram = gramBy(add);
  return { add, gram: (n) => (n >= leastGram ? gram : plainGram)(n) };
}

function addByTiles(tile: Tile, target: Matrix, a: Matrix, b: Matrix, factor: number, upper: boolean): void {
  const columnTiles = blocksOf(b.columns, tile.edge);
  for (const rows of blocksOf(a.rows, tile.edge)) {
    for (const depth of blocksOf(a.columns, tile.depth)) {
      packLeft(tile, partOf(a, rows, depth));
      for (const columns of columnTiles) {
        if (upper && columns[1] <= rows[0]) continue;
        packRight(tile, partOf(b, depth, columns));
        tile.run();
        addResult(tile, partOf(target, rows, columns), factor);
      }
    }
  }
}

/** Rows that are packed at once: what is read of them, and where it goes, fits the cache. */
const strip = 16;

function packLeft({ a, depth }: Tile, { data, offset, rows, columns, rowStep, columnStep }: Matrix): void {
  if (columns < depth) a.fill(0);
  for (const [top, bottom] of blocksOf(rows, strip)) {
    for (let k = 0; k < columns; k++) {
      const from = offset + k * columnStep;
      for (let i = top; i < bottom; i++) a[i * depth + k] = data[from + i * rowStep] as number;
    }
  }
}

function packRight({ b, depth }: Tile, { data, offset, rows, columns, rowStep, columnStep }: Matrix): void {
  if (rows < depth) b.fill(0);
  for (let k = 0; k < rows; k++) {
    let from = offset + k * rowStep;
    for (let j = 0; j < columns; j += panel) {
      const at = j * depth + k * panel;
      const width = Math.min(panel, columns - j);
      for (let lane = 0; lane < width; lane++, from += columnStep) b[at + lane] = data[from] as number;
    }
  }
}

function addResult({ y, edge }: Tile, target: Matrix, factor: number): void {
  const { data, offset, rows, columns, rowStep, columnStep } = target;
  for (let i = 0; i < rows; i++) {
    let to = offset + i * rowStep;
    for (let j = 0; j < columns; j += panel) {
      const from = j * edge + i * panel;
      const width = Math.min(panel, columns - j);
      for (let lane = 0; lane < width; lane++, to += columnStep) {
        data[to] = (data[to] as number) + factor * (y[from + lane] as number);
      }
    }
  }
}
