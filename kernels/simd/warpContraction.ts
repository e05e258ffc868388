import { type KernelBuilder, mmaShape, warpSize } from '../../dialects/kernel/index.ts';
import { knownSize, productOf, type Value } from '../../src/ir/index.ts';
import type { Target } from '../../src/target/index.ts';
import { filled, isInsideAll, readable } from '../border.ts';
import { indicesOf } from '../write.ts';
import type { Finished, PackedContraction, Sums, WeightSteps } from './contraction.ts';
import { inputOf, rowOf, windowOf } from './outputRow.ts';

/** Outputs of a row that an invocation has: as many as a word holds codes, which two products of tiles give. */
const own = 4;
const pairColumns = 2 * mmaShape.n;

/** What a warp computes: so many tiles of 16 rows, by so many pairs of tiles of 8 outputs. */
export interface WarpTile {
  readonly tiles: number;
  readonly pairs: number;
}

/** Warps that keep a large device busy. */
const enoughWarps = 128;

const rowsOf = ({ outer, rows }: PackedContraction) =>
  knownSize(productOf([...outer.map((loop) => loop.extent), rows]));

/** How warps divide a contraction of 8-bit codes; undefined where its sizes are no multiples of their tiles'. */
export function warpTileOf(problem: PackedContraction, target: Target): WarpTile | undefined {
  const { columns, run, groups } = problem;
  if (!target.warpProducts || columns % pairColumns !== 0 || run % mmaShape.k !== 0) return undefined;
  const rows = rowsOf(problem);
  if (rows < mmaShape.m) return undefined;
  const warps = (tiles: number, pairs: number) =>
    groups * Math.ceil(rows / (tiles * mmaShape.m)) * Math.floor(columns / (pairs * pairColumns));
  const large = columns % (2 * pairColumns) === 0 && warps(2, 2) >= enoughWarps;
  return large ? { tiles: 2, pairs: 2 } : { tiles: 1, pairs: 1 };
}

/** Rows and outputs that a warp computes. */
export function tileOfWarp({ tiles, pairs }: WarpTile): readonly [number, number] {
  return [tiles * mmaShape.m, pairs * pairColumns];
}

interface Buffers {
  readonly x: Value;
  readonly w: Value;
  readonly starts: Value;
  readonly y: Value;
}

/**
 * A contraction by products of tiles that 32 invocations hold together, on the panels of four outputs that lone
 * invocations read too. Tile n of a pair has the outputs 4t + 2n and 4t + 2n + 1 in its columns 2t and 2t + 1, so that
 * an invocation gets four neighbouring outputs of a row. What lies behind the last row is the last row once more.
 */
export function buildWarpContraction(
  k: KernelBuilder,
  problem: PackedContraction,
  { tiles, pairs }: WarpTile,
  at: WeightSteps,
  { x, w, starts, y }: Buffers,
  finish: (sums: Value, place: Sums) => Finished,
): void {
  const total = rowsOf(problem);
  const extents = [...problem.outer.map(({ extent }) => knownSize(extent)), knownSize(problem.rows)];
  const [down, across] = [Math.ceil(total / (tiles * mmaShape.m)), problem.columns / (pairs * pairColumns)];
  const count = problem.groups * down * across;
  // groups of invocations hold two warps, all of which must arrive at every product
  const warps = Math.ceil(count / 2) * 2;
  k.parallel([warps, warpSize], ([number, lane]) => {
    const warp = warps === count ? (number as Value) : k.min(number as Value, k.index(count - 1));
    const [group, tileRow, tileColumn] = indicesOf(k, [problem.groups, down, across], warp) as [Value, Value, Value];
    const [quad, inQuad] = [k.quotient(lane as Value, 4), k.remainder(lane as Value, 4)];
    const firstRow = k.add(k.scaled(tileRow, tiles * mmaShape.m), quad);
    const rows = Array.from({ length: 2 * tiles }, (_, half) => {
      const wanted = k.add(firstRow, k.index(half * 8));
      const index = total % (tiles * mmaShape.m) === 0 ? wanted : k.min(wanted, k.index(total - 1));
      const places = indicesOf(k, extents, index);
      const [outer, m] = [places.slice(0, -1), places.at(-1) as Value];
      const input = k.add(inputOf(k, problem, group, outer, m), k.scaled(inQuad, 4));
      return { input, row: rowOf(k, problem, outer, m), window: windowOf(k, problem, outer, m) };
    });
    // the word of the first k step: of panel quad / 2 the outputs quad % 2 and, for the second tile, two further
    const panel = k.add(k.scaled(tileColumn, (pairs * pairColumns) / own), k.quotient(quad, 2));
    const weights = k.add(
      k.add(k.scaled(group, at.group), k.scaled(panel, at.panel)),
      k.add(k.scaled(k.remainder(quad, 2), at.unit), k.scaled(inQuad, at.step)),
    );
    const columns = Array.from({ length: pairs }, (_, p) =>
      k.add(k.scaled(tileColumn, pairs * pairColumns), k.add(k.scaled(inQuad, own), k.index(p * pairColumns))),
    );
    const begin = Array.from({ length: tiles }, () =>
      columns.flatMap((column) => {
        const first = k.add(k.scaled(group, at.starts), column);
        const start = Array.from({ length: own }, (_, i) => k.load(starts, k.add(first, k.index(i))));
        return [0, 2].map((i) => k.concat([start[i], start[i + 1], start[i], start[i + 1]] as Value[]));
      }),
    ).flat();
    const { border } = problem;
    const segmentAt = (offset: Value, taps: readonly Value[]): Segment => {
      const inside = rows.map(({ window }) => border && window && isInsideAll(k, border, window, taps));
      return { inside, rows: rows.map(({ input }, r) => readable(k, inside[r], k.add(input, offset))) };
    };
    const product = (segment: Segment, sums: readonly Value[], offset: Value, weight: Value): Value[] => {
      const b = Array.from({ length: 2 * pairs }, (_, n) => {
        const ahead = Math.floor(n / 2) * (pairColumns / own) * at.panel + (n % 2) * 2 * at.unit;
        const first = k.add(k.add(weights, weight), k.index(ahead));
        return [0, 4].map((step) => k.load(w, k.add(first, k.index(step * knownSize(at.step))), 4));
      });
      return Array.from({ length: tiles }, (_, tile) => {
        const a = [0, 16].flatMap((depth) =>
          [0, 1].map((half) => {
            const row = 2 * tile + half;
            const loaded = k.load(x, k.add(k.add(segment.rows[row] as Value, offset), k.index(depth)), 4);
            return filled(k, segment.inside[row], loaded, border?.fill ?? 0);
          }),
        );
        return b.map((words, n) => k.mma(sums[tile * b.length + n] as Value, a, words));
      }).flat();
    };
    const sums = overSegments(k, problem, knownSize(at.step), begin, segmentAt, product);
    rows.forEach(({ row }, r) => {
      columns.forEach((column, p) => {
        const from = Math.floor(r / 2) * 2 * pairs + 2 * p;
        const parts = [0, 1].map((n) => k.slice(sums[from + n] as Value, 2 * (r % 2), 2));
        const { value, element } = finish(k.concat(parts), { group, row, column, lanes: own, live: own });
        k.store(value, y, element);
      });
    });
  });
}

/** Where the rows of a segment begin, and which of them are inside, where some may not be. */
interface Segment {
  readonly rows: readonly Value[];
  readonly inside: readonly (Value | undefined)[];
}

/**
 * Loops over the pieces of a sum, and along each. `segmentAt` gets what a piece adds to the activations' index, and its
 * place in the window; `product` where in it a step is, and what that adds to the weights' index.
 */
function overSegments(
  k: KernelBuilder,
  { segments, run }: PackedContraction,
  step: number,
  begin: readonly Value[],
  segmentAt: (offset: Value, taps: readonly Value[]) => Segment,
  product: (segment: Segment, sums: readonly Value[], offset: Value, weight: Value) => Value[],
): readonly Value[] {
  const [turns, turnStep] = [run / mmaShape.k, (mmaShape.k / 4) * step];
  const visit = (sums: readonly Value[], offset: Value, weight: Value, taps: readonly Value[]): readonly Value[] => {
    const segment = segments[taps.length];
    if (!segment) {
      const here = segmentAt(offset, taps);
      return k.for(0, turns, 1, sums, (s, carried) =>
        product(here, carried, k.scaled(s, mmaShape.k), k.add(weight, k.scaled(s, turnStep))),
      );
    }
    const inner = segments.slice(taps.length + 1).reduce((n, { extent }) => n * extent, turns * turnStep);
    return k.for(0, segment.extent, 1, sums, (i, carried) =>
      visit(carried, k.add(offset, k.scaled(i, segment.step)), k.add(weight, k.scaled(i, inner)), [...taps, i]),
    );
  };
  return visit(begin, k.index(0), k.index(0), []);
}
