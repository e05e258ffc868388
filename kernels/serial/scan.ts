import { elementOf, type KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, type Op, subDim, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import { loopNest } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { frontAxis, rowMajor } from './places.ts';

/** Visits every line of x along the op's axis: where it begins in x and in a result of the shape `to`. */
function alongLines(
  k: KernelBuilder,
  shape: readonly Dim[],
  axis: number,
  to: readonly Dim[],
  body: (from: Value, start: Value) => void,
): void {
  const accesses = [shape, to].map((sizes) => ({ strides: rowMajor(sizes), offset: 0 }));
  loopNest(k, shape.with(axis, 1), accesses, 1, ([from, start]) => body(from as Value, start as Value));
}

function lineOf(root: Op): { shape: readonly Dim[]; axis: number; size: Dim; step: Dim } {
  const { shape } = tensorType(root.operand(0));
  const axis = frontAxis(root.attributes.axis, shape.length);
  return { shape, axis, size: shape[axis] as Dim, step: rowMajor(shape)[axis] as Dim };
}

/** Where the largest (or smallest) element of each line is: the first of equals, or the last. */
export function argExtreme({ root }: Cluster, context: KernelContext): KernelPlan {
  const x = root.operand(0);
  const { shape, axis, size, step } = lineOf(root);
  const strict = root.name === 'nn.arg_max' ? 'gt' : 'lt';
  const predicate = root.attributes.last ? (strict === 'gt' ? 'ge' : 'le') : strict;
  return {
    operands: [x],
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const y = context.output(k, root.result);
          alongLines(k, shape, axis, shape.with(axis, 1), (from, to) => {
            const first = [k.load(input, from), k.constant(0, 'index')];
            const [, place] = k.for(1, size, 1, first, (i, [best, at]) => {
              const value = k.load(input, k.add(from, k.scaled(i, step)));
              const better = k.cmp(predicate, value, best as Value);
              return [k.select(better, value, best as Value), k.select(better, i, at as Value)];
            });
            k.store(k.convert(place as Value, elementOf(y)), y, to);
          });
        },
      },
    ],
  };
}

/** Running sums or products along an axis. */
export function cumulative({ root }: Cluster, context: KernelContext): KernelPlan {
  const x = root.operand(0);
  const { shape, axis, size, step } = lineOf(root);
  const { exclusive, reverse } = root.attributes;
  const isSum = root.name === 'nn.cum_sum';
  return {
    operands: [x],
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const y = context.output(k, root.result);
          alongLines(k, shape, axis, shape, (from) => {
            const start = k.constant(isSum ? 0 : 1, elementOf(input));
            k.for(0, size, 1, [start], (i, [total]) => {
              const place = reverse ? k.sub(k.index(subDim(size, 1)), i) : i;
              const at = k.add(from, k.mul(place, k.index(step)));
              const value = k.load(input, at);
              const next = isSum ? k.add(total as Value, value) : k.mul(total as Value, value);
              k.store(exclusive ? (total as Value) : next, y, at);
              return [next];
            });
          });
        },
      },
    ],
  };
}
