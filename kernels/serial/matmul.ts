import { elementOf } from '../../dialects/kernel/index.ts';
import { type Dim, productOf, storageOf, type Value } from '../../src/ir/index.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import { broadcastAccess } from '../elementwise.ts';
import { loopNest } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';

/** A matmul of integers that are both computed at run time, or of any batch axes: one product after the other. */
export function serialMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [a, b, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const result = tensorType(cluster.result);
  const { shape } = result;
  const depth = tensorType(a).shape.at(-1) as Dim;
  const inner = storageOf(tensorType(root.result).element);
  const last = shape.length - 1;
  const left = broadcastAccess(tensorType(a), result).strides;
  const right = broadcastAccess(tensorType(b), result).strides;
  const steps = { a: left[last] as Dim, b: right[last - 1] as Dim };
  const accesses = [
    // the last axis of a and the last but one of b are summed over
    { strides: left.with(last, 0), offset: 0 },
    { strides: right.with(last - 1, 0), offset: 0 },
    { strides: broadcastAccess(result, result).strides, offset: 0 },
    { strides: shape.map((_, axis) => (axis === last ? 1 : 0)), offset: 0 },
  ];
  const zeros = [root.attributes.zero_point_a, root.attributes.zero_point_b].map((z) => (z as number | undefined) ?? 0);
  const others = epilogueOperands(cluster);
  return {
    operands: [a, b, ...(bias ? [bias] : []), ...others],
    multiplyAdds: productOf([...shape, depth]),
    variants: [
      {
        feature: undefined,
        build(k) {
          const buffers = [context.input(k, 'a', a), context.input(k, 'b', b)];
          const starts = bias && context.input(k, 'bias', bias);
          const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
          const y = context.output(k, cluster.result);
          const after = epilogue(cluster, beside);
          const term = (which: 0 | 1, at: Value): Value => {
            const value = k.convert(k.load(buffers[which] as Value, at), inner);
            return k.sub(value, k.constant(zeros[which] as number, elementOf(value)));
          };
          loopNest(k, shape, accesses, 1, ([row, column, element, channel]) => {
            const start = starts ? k.load(starts, channel as Value) : k.constant(0, inner);
            const [sum] = k.for(0, depth, 1, [start], (i, [total]) => {
              const x = term(0, k.add(row as Value, k.scaled(i, steps.a)));
              const w = term(1, k.add(column as Value, k.scaled(i, steps.b)));
              return [k.add(total as Value, k.mul(x, w))];
            });
            const place = { element: element as Value, channel: channel as Value };
            k.store(after(k, clamped(k, sum as Value, root), place, 1), y, element as Value);
          });
        },
      },
    ],
  };
}
