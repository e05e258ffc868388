import { elementOf, type KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Dim, Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import { loopNest } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { frontAxis, rowMajor } from './places.ts';

/** What elements are ordered by: a NaN counts as infinity. */
function keyOf(k: KernelBuilder, value: Value): Value {
  if (elementOf(value) !== 'f32') return value;
  return k.select(k.cmp('ne', value, value), k.constant(Infinity, 'f32'), value);
}

/**
 * The k largest (or smallest) elements of each line, in order: k times the best of those that come after the one
 * found before. Equal elements come in the order of their places.
 */
export function topK({ root }: Cluster, context: KernelContext): KernelPlan {
  const x = root.operand(0);
  const { shape } = tensorType(x);
  const [values, indices] = root.results as [Value, Value];
  const out = tensorType(values).shape;
  const axis = frontAxis(root.attributes.axis, shape.length, -1);
  const [size, kept] = [shape[axis] as Dim, out[axis] as Dim];
  const [step, outStep] = [rowMajor(shape)[axis] as Dim, rowMajor(out)[axis] as Dim];
  const [better, worse] = root.attributes.largest === false ? (['lt', 'gt'] as const) : (['gt', 'lt'] as const);
  return {
    operands: [x],
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const [best, places] = [context.output(k, values, 'values'), context.output(k, indices, 'indices')];
          const none = k.index(-1);
          const accesses = [shape, out].map((sizes) => ({ strides: rowMajor(sizes), offset: 0 }));
          loopNest(k, shape.with(axis, 1), accesses, 1, ([from, to]) => {
            const valueAt = (i: Value) => k.load(input, k.add(from as Value, k.mul(i, k.index(step))));
            const begin = keyOf(k, valueAt(k.index(0)));
            k.for(0, kept, 1, [begin, none], (rank, [last, lastAt]) => {
              const found = k.for(0, size, 1, [begin, none], (i, [top, topAt]) => {
                const key = keyOf(k, valueAt(i));
                const ties = k.and(k.cmp('eq', key, last as Value), k.cmp('gt', i, lastAt as Value));
                const open = k.or(k.cmp(worse, key, last as Value), ties);
                const candidate = k.or(k.cmp('lt', lastAt as Value, k.index(0)), open);
                const beats = k.or(k.cmp('lt', topAt as Value, k.index(0)), k.cmp(better, key, top as Value));
                const takes = k.and(candidate, beats);
                return [k.select(takes, key, top as Value), k.select(takes, i, topAt as Value)];
              });
              const at = k.add(to as Value, k.mul(rank, k.index(outStep)));
              k.store(valueAt(found[1] as Value), best, at);
              k.store(k.convert(found[1] as Value, elementOf(places)), places, at);
              return found;
            });
          });
        },
      },
    ],
  };
}
