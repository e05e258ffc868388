import { type Dim, knownSize, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import { loopNest } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { count, frontAxis, placeOf, rowMajor } from './places.ts';

/** y[i, j, …] = x[i, indices[i, j, …], …]: one element after the other. */
export function gatherElements({ root }: Cluster, context: KernelContext): KernelPlan {
  const [x, indices] = root.operands as [Value, Value];
  const [shape, out] = [tensorType(x).shape, tensorType(indices).shape];
  const axis = frontAxis(root.attributes.axis, shape.length);
  const [own, steps] = [rowMajor(out), rowMajor(shape)];
  return {
    operands: [x, indices],
    variants: [
      {
        feature: undefined,
        build(k) {
          const [from, places] = [context.input(k, 'x', x), context.input(k, 'indices', indices)];
          const y = context.output(k, root.result);
          const accesses = [
            { strides: own, offset: 0 },
            { strides: steps.with(axis, 0), offset: 0 },
          ];
          loopNest(k, out, accesses, 1, ([to, beside]) => {
            const place = placeOf(k, k.load(places, to as Value), shape[axis] as Dim);
            k.store(k.load(from, k.add(beside as Value, k.scaled(place, steps[axis] as Dim))), y, to as Value);
          });
        },
      },
    ],
  };
}

/** The slices of x that vectors of indices name; the first `batch_dims` axes belong together. */
export function gatherNd({ root }: Cluster, context: KernelContext): KernelPlan {
  const [x, indices] = root.operands as [Value, Value];
  const [shape, given] = [tensorType(x).shape, tensorType(indices).shape];
  const batchAxes = (root.attributes.batch_dims as number | undefined) ?? 0;
  const depth = knownSize(given.at(-1) as Dim);
  const batches = count(shape.slice(0, batchAxes));
  const vectors = count(given.slice(batchAxes, -1));
  const steps = rowMajor(shape);
  const size = count(shape.slice(batchAxes + depth));
  return {
    operands: [x, indices],
    variants: [
      {
        feature: undefined,
        build(k) {
          const [from, places] = [context.input(k, 'x', x), context.input(k, 'indices', indices)];
          const y = context.output(k, root.result);
          k.loop(0, batches, 1, (batch) =>
            k.loop(0, vectors, 1, (i) => {
              const vector = k.add(k.scaled(batch, vectors), i);
              let start = k.scaled(batch, count(shape.slice(batchAxes)));
              for (let d = 0; d < depth; d++) {
                const loaded = k.load(places, k.scaled(vector, depth, d));
                const place = placeOf(k, loaded, shape[batchAxes + d] as Dim);
                start = k.add(start, k.scaled(place, steps[batchAxes + d] as Dim));
              }
              k.loop(0, size, 1, (e) => k.store(k.load(from, k.add(start, e)), y, k.add(k.scaled(vector, size), e)));
            }),
          );
        },
      },
    ],
  };
}
