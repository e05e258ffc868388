import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, modDim, mulDim, productOf, subDim, type Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { filled, isInsideAll, readable } from '../border.ts';
import type { Contraction, WeightSteps } from './contraction.ts';
import type { InnerProduct, Places, Steps } from './innerProduct.ts';

/** Multiply operations, beyond those of one k step, up to which a tile is unrolled along k. */
const unrollLimit = 48;

/** The activations of a tile: where its rows begin, and, where there is a border, where the window of each does. */
interface ActivationRows {
  readonly rows: readonly Places[];
  /** One for each of `rows`, which have one place then. */
  readonly windows: readonly (readonly Value[])[] | undefined;
}

/** The rows of a segment, and which of them are inside, where some may not be. */
interface Segment {
  readonly rows: readonly Places[];
  readonly inside?: readonly (Value | undefined)[];
}

interface TileShape {
  readonly prepared: Steps;
  readonly product: InnerProduct;
  readonly units: number;
  readonly runSteps: Dim;
  readonly at: WeightSteps;
}

/** How far a reduction is: the accumulators, and what is added to the indices of activations and weights. */
interface Reached {
  readonly sums: readonly Value[];
  readonly offset: Value;
  readonly weight: Value;
}

/** Rows by as many as a product has; the last is there more than once where they do not come out even. */
export function together(rows: readonly Value[], count: number): readonly Places[] {
  return Array.from({ length: Math.ceil(rows.length / count) }, (_, g) => {
    const at = (i: number) => rows[Math.min(rows.length - 1, g * count + i)] as Value;
    return [at(0), ...Array.from({ length: count - 1 }, (_, i) => at(i + 1))];
  });
}

/** The accumulators after all segments: [rows][unit][register], flat. */
export function reduceSegments(
  k: KernelBuilder,
  problem: Contraction,
  shape: TileShape,
  { x, w }: { x: Value; w: Value },
  { rows, windows }: ActivationRows,
  weights: Value,
  first: readonly Value[],
): readonly Value[] {
  const { prepared, product, units, runSteps, at } = shape;
  const { together = 1 } = product;
  /** The product of the steps from `ahead` on. */
  const step = (segment: Segment, { sums, offset, weight }: Reached, ahead: number, count = together): Value[] => {
    const ready = (s: number) => k.add(weight, k.index(mulDim(ahead + s, at.step)));
    const panel = Array.from({ length: units }, (_, u) => {
      const place = (s: number) => k.add(ready(s), k.index(u * at.unit));
      return prepared.weights(w, [place(0), ...Array.from({ length: count - 1 }, (_, s) => place(s + 1))]);
    });
    const each = product.registers;
    return segment.rows.flatMap((places, r) => {
      const place = (row: Value) => k.add(k.add(row, offset), k.index(ahead * product.step));
      const [row, ...others] = places;
      const loaded = prepared.activations(x, [place(row), ...others.map(place)]);
      const activations = filled(k, segment.inside?.[r], loaded, problem.border?.fill ?? 0);
      return panel.flatMap((unit, u) => {
        const from = (r * units + u) * each;
        return prepared.multiply(sums.slice(from, from + each), unit, activations);
      });
    });
  };
  const run = (segment: Segment, { sums, offset, weight }: Reached): readonly Value[] => {
    const work = rows.length * units * product.registers;
    const turn = (s: Value, carried: readonly Value[], unroll: number): readonly Value[] => {
      let next = carried;
      const [from, ready] = [k.add(offset, k.scaled(s, product.step)), k.add(weight, k.scaled(s, at.step))];
      for (let i = 0; i < unroll; i++) next = step(segment, { sums: next, offset: from, weight: ready }, i * together);
      return next;
    };
    if (typeof runSteps !== 'number') {
      invariant(together === 1, 'products of several steps are of known sizes');
      const unroll = [4, 2].find((u) => u * work <= unrollLimit) ?? 1;
      const whole = subDim(runSteps, modDim(runSteps, unroll));
      const most = k.for(0, whole, unroll, sums, (s, carried) => turn(s, carried, unroll));
      return k.for(whole, runSteps, 1, most, (s, carried) => turn(s, carried, 1));
    }
    const turns = Math.ceil(runSteps / together);
    const most = Math.max(1, Math.min(turns, Math.floor(unrollLimit / work), 4));
    const full = Math.floor(runSteps / together);
    const exact = [4, 3, 2].find((u) => u <= most && full % u === 0);
    const unroll = exact ?? most;
    const whole = turns * work <= unrollLimit ? 0 : (full - (full % unroll)) * together;
    let now = k.for(0, whole, unroll * together, sums, (s, carried) => turn(s, carried, unroll));
    for (let s = whole; s < runSteps; s += together)
      now = step(segment, { sums: now, offset, weight }, s, Math.min(together, runSteps - s));
    return now;
  };
  /** The segment that is reached, the places of whose window are `taps`. */
  const segmentAt = (reached: Reached, taps: readonly Value[]): readonly Value[] => {
    const { border } = problem;
    if (!border || !windows) return run({ rows }, reached);
    const inside = windows.map((window) => isInsideAll(k, border, window, taps));
    const from = rows.map(([row], r): Places => [readable(k, inside[r], k.add(row, reached.offset))]);
    return run({ rows: from, inside }, { ...reached, offset: k.index(0) });
  };
  const visit = ({ sums, offset, weight }: Reached, taps: readonly Value[]): readonly Value[] => {
    const segment = problem.segments[taps.length];
    if (!segment) return segmentAt({ sums, offset, weight }, taps);
    const inner = productOf([...problem.segments.slice(taps.length + 1).map((s) => s.extent), runSteps, at.step]);
    return k.for(0, segment.extent, 1, sums, (i, carried) => {
      const next = { offset: k.add(offset, k.scaled(i, segment.step)), weight: k.add(weight, k.scaled(i, inner)) };
      return visit({ sums: carried, ...next }, [...taps, i]);
    });
  };
  return visit({ sums: first, offset: k.index(0), weight: weights }, []);
}
