import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import {
  bytesOf,
  type Dim,
  lowestOf,
  mulDim,
  type ScalarType,
  stepsOf,
  storageOf,
  type Value,
} from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { borderOf, cornerOf, filled, isInsideAll, readable } from '../border.ts';
import { type Cluster, epilogue, epilogueOperands, perAxis, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { writeRows } from '../write.ts';
import { tapOffsets, tapPlaces } from './window.ts';

/** How a pool joins the elements of a window. */
interface Joining {
  /** The element made ready to be joined. */
  prepare(k: KernelBuilder, x: Value): Value;
  join(k: KernelBuilder, a: Value, b: Value): Value;
  /** The result from the joined elements of a window of `count`. */
  finish(k: KernelBuilder, joined: Value, count: number): Value;
  /** What stands for an element outside of the operand. */
  outside(element: ScalarType): number;
}

const joinings: Record<string, (zeroPoint: number) => Joining> = {
  'nn.max_pool': () => ({
    prepare: (_, x) => x,
    join: (k, a, b) => k.max(a, b),
    finish: (_, joined) => joined,
    outside: lowestOf,
  }),
  'nn.avg_pool': () => ({
    prepare: (_, x) => x,
    join: (k, a, b) => k.add(a, b),
    finish: (k, joined, count) => k.div(joined, k.constant(count, 'f32', joined)),
    outside: () => 0,
  }),
  'int.pool_sum': (zeroPoint) => ({
    prepare: (k, x) => k.convert(x, 'i32'),
    join: (k, a, b) => k.add(a, b),
    finish: (k, joined, count) => k.sub(joined, k.constant(count * zeroPoint, 'i32', joined)),
    outside: () => zeroPoint,
  }),
};

/** Pools, channels innermost, lanes over channels. Padding counts in the mean. */
export function pool(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const x = cluster.outside(root.operand(0));
  const xType = tensorType(x);
  const element = storageOf(xType.element);
  const steps = stepsOf(xType);
  const out = tensorType(cluster.result).shape;
  const kernel = root.attributes.kernel as number[];
  const spatial = kernel.length;
  const ints = (name: string) => perAxis(root.attributes[name], spatial);
  const [strides, dilations] = [ints('strides'), ints('dilations')];
  const joining = (joinings[root.name] as (typeof joinings)[string])(
    (root.attributes.zero_point as number | undefined) ?? 0,
  );
  const channels = out[1] as Dim;
  const wide = lanesFor(context.target, bytesOf(element));
  const lanes = wide > 8 && typeof channels === 'number' && channels <= 8 ? 8 : wide;
  const [offsets, places] = [tapOffsets(kernel, dilations, steps), tapPlaces(kernel)];
  const outside = joining.outside(element);
  const border = borderOf(root, x, kernel, outside);
  const others = epilogueOperands(cluster);
  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const after = epilogue(cluster, beside);
    const rows = { extents: [out[0] as Dim, ...out.slice(2)], channels, lanes, buffer: y };
    const walk = [steps[0] as Dim, ...strides.map((stride, axis) => mulDim(stride, steps[axis + 2] as Dim))];
    writeRows(k, context.target, rows, (indices, row, channel, lanes) => {
      const at = indices.reduce((sum, i, axis) => k.add(sum, k.scaled(i, walk[axis] as Dim)), k.index(0));
      const corner = border && cornerOf(k, border, indices.slice(1));
      const from = k.add(k.add(at, channel), k.index(border?.origin ?? 0));
      const read = (offset: Dim, tap: number): Value => {
        const place = (places[tap] as number[]).map((i) => k.index(i));
        const inside = border && corner && isInsideAll(k, border, corner, place);
        const loaded = k.load(input, readable(k, inside, k.add(from, k.index(offset))), lanes);
        return joining.prepare(k, filled(k, inside, loaded, outside));
      };
      const joined = offsets.map(read).reduce((a, b) => joining.join(k, a, b));
      const place = { element: k.add(row, channel), channel };
      return after(k, joining.finish(k, joined, offsets.length), place, lanes);
    });
  };
  return { operands: [x, ...others], variants: [{ feature: undefined, build }] };
}
