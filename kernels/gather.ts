import type { KernelBuilder } from '../dialects/kernel/index.ts';
import { bytesOf, type Dim, knownSize, modDim, productOf, stepsOf, storageOf, type Value } from '../src/ir/index.ts';
import { lanesFor } from '../src/target/index.ts';
import { type Cluster, tensorType } from './cluster.ts';
import { inOrder } from './elementwise.ts';
import { loopNest } from './loops.ts';
import type { KernelContext, KernelPlan } from './plan.ts';
import { placeOf } from './serial/places.ts';
import { writeNest } from './write.ts';

/** Slices of x along one axis, each named by an index; negative ones count from the end. */
export function gather(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [x, indices] = root.operands.map((v) => cluster.outside(v as Value)) as [Value, Value];
  const [xType, result] = [tensorType(x), tensorType(cluster.result)];
  const { shape } = xType;
  const given = (root.attributes.axis as number | undefined) ?? 0;
  const axis = given < 0 ? given + shape.length : given;
  const size = shape[axis] as Dim;
  const count = productOf(tensorType(indices).shape);
  const indexRank = tensorType(indices).shape.length;
  const lanes = lanesFor(context.target, bytesOf(storageOf(result.element)));
  const [from, to] = [stepsOf(xType), stepsOf(result)];
  // every result axis but those of the indices, with the operand axis that it walks
  const others = result.shape.map((_, a) => a).filter((a) => a < axis || a >= axis + indexRank);
  const sourceAxis = (a: number) => (a < axis ? a : a - indexRank + 1);
  // the indices' axes lie together, so that the last one's step serves them all
  const step = indexRank === 0 ? 0 : (to[axis + indexRank - 1] as Dim);
  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const places = context.input(k, 'indices', indices);
    const y = context.output(k, cluster.result);
    if (context.target.family === 'simt') {
      // the number of the index is read off the place that is written
      const width = modDim(step, lanes) === 0 ? lanes : 1;
      const byAxis = result.shape.map((_, a): Dim => (others.includes(a) ? (from[sourceAxis(a)] as Dim) : 0));
      const accesses = [{ strides: inOrder(result, byAxis), offset: 0 }];
      const written = { buffer: y, access: { strides: inOrder(result, to), offset: 0 } };
      writeNest(k, context.target, inOrder(result, result.shape), accesses, written, width, ([at, element], n) => {
        const i =
          indexRank === 0 ? k.index(0) : k.remainder(k.quotient(element as Value, knownSize(step)), knownSize(count));
        const index = placeOf(k, k.load(places, i), size);
        return k.load(input, k.add(at as Value, k.scaled(index, from[axis] as Dim)), n);
      });
      return;
    }
    k.loop(0, count, 1, (i) => {
      const index = placeOf(k, k.load(places, i), size);
      const extents = result.shape.map((d, a): Dim => (others.includes(a) ? d : 1));
      const byAxis = (strides: (a: number) => Dim) =>
        inOrder(
          result,
          extents.map((_, a) => (others.includes(a) ? strides(a) : 0)),
        );
      const accesses = [
        {
          strides: byAxis((a) => from[sourceAxis(a)] as Dim),
          offset: 0,
          base: k.scaled(index, from[axis] as Dim),
        },
        { strides: byAxis((a) => to[a] as Dim), offset: 0, base: k.scaled(i, step) },
      ];
      loopNest(k, inOrder(result, extents), accesses, lanes, ([a, b], n) => {
        k.store(k.load(input, a as Value, n), y, b as Value);
      });
    });
  };
  return { operands: [x, indices], variants: [{ feature: undefined, build }] };
}
