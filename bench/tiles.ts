import type binaryen from 'binaryen';
import { type Binaryen, relaxedDot, relaxedMulAdd } from '../backends/wasm/relaxed.ts';
import type { TypedArray } from '../src/support/tensor.ts';
import { instance, type PeakName, steps } from './peaks.ts';
import type { Runner } from './runner.ts';

// What a product of matrices comes to at best: its tile of registers with all that it loads, rounds and stores, in the
// first cache. No panels to fetch, no activations to prepare, no edges.

interface Tile {
  /** Rows of activations, and registers of weights. */
  readonly rows: number;
  readonly registers: number;
  /** Bytes of a row's activations that one register repeats. */
  readonly group: 4 | 8;
  /** Steps along a sum of 512 products. */
  readonly depth: number;
  readonly multiply: (b: Binaryen, m: binaryen.Module, sum: number, x: number, w: number) => number;
  /** What the sums of a row become: four outputs a register. */
  readonly results: (m: binaryen.Module, sums: readonly Sum[]) => number[];
}

/** A fresh expression that reads an accumulator. */
type Sum = () => number;

/** Lanes 0, 2, 4 and 6 of two registers of i32, and those after them. */
const evenLanes = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const oddLanes = evenLanes.map((byte) => byte + 4);

const asTheyAre: Tile['results'] = (_, sums) => sums.map((sum) => sum());

/** i32 sums by a multiplier of 31 bits, rounded to codes of 8 bits: eight outputs in the low half of a register. */
function codes(m: binaryen.Module, sums: readonly Sum[]): number[] {
  const rounded = sums.map((sum) => {
    const all = (value: number) => m.v128.const([...new Uint8Array(Int32Array.of(value, value, value, value).buffer)]);
    const [low, high] = [m.i64x2.extmul_low_i32x4_s, m.i64x2.extmul_high_i32x4_s].map((by) => by(sum(), all(3 << 29)));
    const words = m.i8x16.shuffle(low as number, high as number, oddLanes);
    return m.i32x4.add(m.i32x4.shr_s(m.i32x4.add(words, all(1 << 9)), m.i32.const(10)), all(3));
  });
  return Array.from({ length: rounded.length / 2 }, (_, i) => {
    const narrow = m.i16x8.narrow_i32x4_s(rounded[2 * i] as number, rounded[2 * i + 1] as number);
    return m.i8x16.narrow_i16x8_s(narrow, m.v128.const(new Array(16).fill(0)));
  });
}

/** The same where an output's sum lies in two lanes beside each other. */
function codesOfPairs(m: binaryen.Module, sums: readonly Sum[]): number[] {
  const joined = Array.from({ length: sums.length / 2 }, (_, i): Sum => {
    const [a, b] = [sums[2 * i] as Sum, sums[2 * i + 1] as Sum];
    return () => m.i32x4.add(m.i8x16.shuffle(a(), b(), evenLanes), m.i8x16.shuffle(a(), b(), oddLanes));
  });
  return codes(m, joined);
}

/** The tiles that qc's own kernels have. */
const tiles: Readonly<Record<PeakName, Tile>> = {
  relaxedDot: {
    rows: 6,
    registers: 2,
    group: 4,
    depth: 128,
    multiply: (b, m, sum, x, w) => relaxedDot(b, m, w, x, sum),
    results: codes,
  },
  relaxedMulAdd: {
    rows: 5,
    registers: 2,
    group: 4,
    depth: 512,
    multiply: (b, m, sum, x, w) => relaxedMulAdd(b, m, x, w, sum),
    results: asTheyAre,
  },
  dot: {
    rows: 2,
    registers: 4,
    group: 8,
    depth: 128,
    multiply: (_, m, sum, x, w) => m.i32x4.add(sum, m.i32x4.dot_i16x8_s(w, x)),
    results: codesOfPairs,
  },
  mulAdd: {
    rows: 5,
    registers: 2,
    group: 4,
    depth: 512,
    multiply: (_, m, sum, x, w) => m.f32x4.add(sum, m.f32x4.mul(x, w)),
    results: asTheyAre,
  },
};

/** Steps of one turn of the loop, and tiles of a run. */
const [unroll, runs] = [4, 1000];

/** Of sums that end with every group of 32 inputs: as many totals in f32 want registers too. */
const groupTile: Tile = { ...tiles.relaxedDot, rows: 4, registers: 2 };
const groupSteps = 8;

const workOf = ({ rows, registers, depth }: Tile, name: PeakName): number =>
  runs * depth * rows * registers * steps[name].multiplyAdds;

/** Multiply-adds of one run of `tileRunner`. */
export const tileWork = (name: PeakName): number => workOf(tiles[name], name);

/** Multiply-adds of one run of `groupTileRunner`. */
export const groupTileWork = workOf(groupTile, 'relaxedDot');

/** Runs the loop of a product's tile on the same few kilobytes again and again. */
export const tileRunner = (name: PeakName): Promise<Runner> => runnerOf(name, tiles[name], unroll, false);

/** The same of 8-bit products whose sums are scaled and added in f32 after every 32 inputs. */
export const groupTileRunner = (): Promise<Runner> => runnerOf('groups', groupTile, groupSteps, true);

async function runnerOf(name: string, tile: Tile, unroll: number, inGroups: boolean): Promise<Runner> {
  const { rows, registers, group, depth, multiply, results } = tile;
  const [rowBytes, weightsAt] = [depth * group, rows * depth * group];
  const exports = await instance((b, m) => {
    m.setMemory(1, 1, 'memory');
    const [left, end, at, weight, x, firstWeight] = [0, 1, 2, 3, 4, 5];
    const firstSum = firstWeight + registers;
    const firstTotal = firstSum + rows * registers;
    const firstRow = firstTotal + rows * registers;
    const i32 = (local: number) => m.local.get(local, b.i32);
    const vector = (local: number) => m.local.get(local, b.v128);
    const step = (ahead: number): number[] => [
      ...Array.from({ length: registers }, (_, u) =>
        m.local.set(firstWeight + u, m.v128.load(16 * (ahead * registers + u), 16, i32(weight))),
      ),
      ...Array.from({ length: rows }, (_, r) => {
        const load = group === 4 ? m.v128.load32_splat : m.v128.load64_splat;
        const products = Array.from({ length: registers }, (_, u) => {
          const sum = firstSum + r * registers + u;
          return m.local.set(sum, multiply(b, m, vector(sum), vector(x), vector(firstWeight + u)));
        });
        return [m.local.set(x, load(ahead * group, group, i32(firstRow + r))), ...products];
      }).flat(),
    ];
    const zero = m.v128.const(new Array(16).fill(0));
    /** The sum of a register of outputs, by the group's scales, to its total. */
    const endOfGroup = (i: number): number[] => {
      const [sum, total] = [firstSum + i, firstTotal + i];
      const scales = m.v128.load(16 * (i % registers), 16, i32(weight));
      const scaled = relaxedMulAdd(b, m, m.f32x4.convert_i32x4_s(vector(sum)), scales, vector(total));
      return [m.local.set(total, scaled), m.local.set(sum, zero)];
    };
    const turn = m.loop(
      'turn',
      m.block(null, [
        ...Array.from({ length: rows }, (_, r) =>
          m.local.set(firstRow + r, m.i32.add(i32(at), m.i32.const(r * rowBytes))),
        ),
        ...Array.from({ length: unroll }, (_, ahead) => step(ahead)).flat(),
        ...(inGroups ? Array.from({ length: rows * registers }, (_, i) => endOfGroup(i)).flat() : []),
        m.local.set(weight, m.i32.add(i32(weight), m.i32.const(16 * registers * unroll))),
        m.local.set(at, m.i32.add(i32(at), m.i32.const(group * unroll))),
        m.br_if('turn', m.i32.lt_u(i32(at), i32(end))),
      ]),
    );
    const [startsAt, resultsAt] = [weightsAt + depth * registers * 16, weightsAt + (depth + 1) * registers * 16];
    const start = (i: number) =>
      m.local.set(firstSum + i, m.v128.load(startsAt + 16 * (i % registers), 16, m.i32.const(0)));
    /** Stores a row's results where they lie apart from one another. */
    const finish = (r: number) => {
      const sums = Array.from({ length: registers }, (_, u) => () => vector(firstSum + r * registers + u));
      return results(m, sums).map((value, i) => m.v128.store(resultsAt + 512 * r + 16 * i, 16, m.i32.const(0), value));
    };
    const turns = m.block(null, [
      m.local.set(at, m.i32.const(0)),
      m.local.set(weight, m.i32.const(weightsAt)),
      ...(inGroups ? [] : Array.from({ length: rows * registers }, (_, i) => start(i))),
      turn,
      ...(inGroups ? [] : Array.from({ length: rows }, (_, r) => finish(r)).flat()),
      m.br_if('tile', m.local.tee(left, m.i32.sub(i32(left), m.i32.const(1)), b.i32)),
    ]);
    const firstResult = inGroups ? firstTotal : firstSum;
    const sums = Array.from({ length: rows * registers }, (_, i) => vector(firstResult + i));
    const total = m.i32x4.extract_lane(
      sums.reduce((sum, one) => m.v128.xor(sum, one)),
      0,
    );
    const vectors = Array.from({ length: 1 + registers + 2 * rows * registers }, () => b.v128);
    const locals = [b.i32, b.i32, ...vectors, ...Array.from({ length: rows }, () => b.i32)];
    const code = m.block(null, [m.loop('tile', turns), total], b.i32);
    m.addFunction('run', b.createType([b.i32, b.i32]), b.i32, locals, code);
    m.addFunctionExport('run', 'run');
  });
  const run = exports.run as (runs: number, rowBytes: number) => number;
  return { name: `tile of ${name}`, run: () => ({ y: Int32Array.of(run(runs, rowBytes)) as TypedArray }) };
}
