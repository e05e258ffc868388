import type binaryen from 'binaryen';
import { type Binaryen, relaxedDot, relaxedMulAdd } from '../backends/wasm/relaxed.ts';
import type { TypedArray } from '../src/support/tensor.ts';
import { instance, type PeakName, steps } from './peaks.ts';
import type { Runner } from './runner.ts';

// What a product of matrices comes to at best: its tile of registers with the loads that it wants, from the first cache,
// and nothing else. No rounding, no stores, no start vectors.

interface Tile {
  /** Rows of activations, and registers of weights. */
  readonly rows: number;
  readonly registers: number;
  /** Bytes of a row's activations that one register repeats. */
  readonly group: 4 | 8;
  readonly multiply: (b: Binaryen, m: binaryen.Module, sum: number, x: number, w: number) => number;
}

/** The tiles that qc's own kernels have. */
const tiles: Readonly<Record<PeakName, Tile>> = {
  relaxedDot: { rows: 6, registers: 2, group: 4, multiply: (b, m, sum, x, w) => relaxedDot(b, m, w, x, sum) },
  relaxedMulAdd: { rows: 5, registers: 2, group: 4, multiply: (b, m, sum, x, w) => relaxedMulAdd(b, m, x, w, sum) },
  dot: { rows: 2, registers: 4, group: 8, multiply: (_, m, sum, x, w) => m.i32x4.add(sum, m.i32x4.dot_i16x8_s(w, x)) },
  mulAdd: { rows: 5, registers: 2, group: 4, multiply: (_, m, sum, x, w) => m.f32x4.add(sum, m.f32x4.mul(x, w)) },
};

/** Steps along the sum before a tile ends, those of one turn of the loop, and tiles of a run. */
const [depth, unroll, runs] = [128, 4, 1000];

/** Of sums that end with every group of 32 inputs: as many totals in f32 want registers too. */
const groupTile: Tile = { ...tiles.relaxedDot, rows: 4, registers: 2 };
const groupSteps = 8;

const workOf = ({ rows, registers }: Tile, name: PeakName): number =>
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
  const { rows, registers, group, multiply } = tile;
  const [rowBytes, weightsAt] = [depth * group, rows * depth * group];
  const exports = await instance((b, m) => {
    m.setMemory(1, 1, 'memory');
    const [left, end, at, weight, x, firstWeight] = [0, 1, 2, 3, 4, 5];
    const firstSum = firstWeight + registers;
    const firstTotal = firstSum + rows * registers;
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
        return [m.local.set(x, load(r * rowBytes + ahead * group, group, i32(at))), ...products];
      }).flat(),
    ];
    const zero = m.v128.const(new Uint8Array(16) as unknown as number[]);
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
        ...Array.from({ length: unroll }, (_, ahead) => step(ahead)).flat(),
        ...(inGroups ? Array.from({ length: rows * registers }, (_, i) => endOfGroup(i)).flat() : []),
        m.local.set(weight, m.i32.add(i32(weight), m.i32.const(16 * registers * unroll))),
        m.local.set(at, m.i32.add(i32(at), m.i32.const(group * unroll))),
        m.br_if('turn', m.i32.lt_u(i32(at), i32(end))),
      ]),
    );
    const turns = m.block(null, [
      m.local.set(at, m.i32.const(0)),
      m.local.set(weight, m.i32.const(weightsAt)),
      turn,
      m.br_if('tile', m.local.tee(left, m.i32.sub(i32(left), m.i32.const(1)), b.i32)),
    ]);
    const results = inGroups ? firstTotal : firstSum;
    const sums = Array.from({ length: rows * registers }, (_, i) => vector(results + i));
    const total = m.i32x4.extract_lane(
      sums.reduce((sum, one) => m.v128.xor(sum, one)),
      0,
    );
    const locals = [b.i32, b.i32, ...Array.from({ length: 1 + registers + 2 * rows * registers }, () => b.v128)];
    const code = m.block(null, [m.loop('tile', turns), total], b.i32);
    m.addFunction('run', b.createType([b.i32, b.i32]), b.i32, locals, code);
    m.addFunctionExport('run', 'run');
  });
  const run = exports.run as (runs: number, rowBytes: number) => number;
  return { name: `tile of ${name}`, run: () => ({ y: Int32Array.of(run(runs, rowBytes)) as TypedArray }) };
}
