import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { bytesOf, type Dim, knownSize, storageOf, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import { loopNest } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { count, frontAxis, placeOf, rowMajor } from './places.ts';

type Combine = (k: KernelBuilder, old: Value, update: Value) => Value;

/** The update where it is beyond the old number, or a NaN. */
const beyond =
  (predicate: 'lt' | 'gt'): Combine =>
  (k, old, update) =>
    k.select(k.or(k.cmp(predicate, update, old), k.cmp('ne', update, update)), update, old);

const combine: Record<string, Combine> = {
  none: (_, _old, update) => update,
  add: (k, old, update) => k.add(old, update),
  mul: (k, old, update) => k.mul(old, update),
  min: beyond('lt'),
  max: beyond('gt'),
};

/** x is copied, then `visit` names each update and its place, in order. */
function scatter(
  { root }: Cluster,
  context: KernelContext,
  visit: (k: KernelBuilder, indices: Value, put: (update: Value, place: Value) => void) => void,
): KernelPlan {
  const [x, indices, updates] = root.operands as [Value, Value, Value];
  const join = combine[(root.attributes.reduction as string | undefined) ?? 'none'] as Combine;
  const size = count(tensorType(x).shape);
  const lanes = lanesFor(context.target, bytesOf(storageOf(tensorType(x).element)));
  return {
    operands: [x, indices, updates],
    variants: [
      {
        feature: undefined,
        build(k) {
          const from = context.input(k, 'x', x);
          const places = context.input(k, 'indices', indices);
          const given = context.input(k, 'updates', updates);
          const y = context.output(k, root.result);
          loopNest(k, [size], [{ strides: [1], offset: 0 }], lanes, ([at], n) => {
            k.store(k.load(from, at as Value, n), y, at as Value);
          });
          visit(k, places, (update, place) => {
            k.store(join(k, k.load(y, place), k.load(given, update)), y, place);
          });
        },
      },
    ],
    inPlace: [0],
  };
}

/** x with updates[i, j, …] put at x[i, indices[i, j, …], …]. */
export function scatterElements(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [shape, given] = [tensorType(root.operand(0)).shape, tensorType(root.operand(1)).shape];
  const axis = frontAxis(root.attributes.axis, shape.length);
  const steps = rowMajor(shape);
  const accesses = [
    { strides: rowMajor(given), offset: 0 },
    { strides: steps.with(axis, 0), offset: 0 },
  ];
  return scatter(cluster, context, (k, indices, put) =>
    loopNest(k, given, accesses, 1, ([update, beside]) => {
      const place = placeOf(k, k.load(indices, update as Value), shape[axis] as Dim);
      put(update as Value, k.add(beside as Value, k.scaled(place, steps[axis] as Dim)));
    }),
  );
}

/** x with slices put where vectors of indices say. */
export function scatterNd(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [shape, given] = [tensorType(root.operand(0)).shape, tensorType(root.operand(1)).shape];
  const depth = knownSize(given.at(-1) as Dim);
  const size = count(shape.slice(depth));
  const steps = rowMajor(shape);
  return scatter(cluster, context, (k, indices, put) =>
    k.loop(0, count(given.slice(0, -1)), 1, (vector) => {
      let start = k.index(0);
      for (let d = 0; d < depth; d++) {
        const place = placeOf(k, k.load(indices, k.scaled(vector, depth, d)), shape[d] as Dim);
        start = k.add(start, k.scaled(place, steps[d] as Dim));
      }
      k.loop(0, size, 1, (e) => put(k.add(k.scaled(vector, size), e), k.add(start, e)));
    }),
  );
}
