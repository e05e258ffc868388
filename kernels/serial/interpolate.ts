import { interpolate as definition } from '../../dialects/int/interpolate.ts';
import { narrowed } from '../../dialects/int/narrow.ts';

import { staticShape, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { count } from './places.ts';

/** int.interpolate: the two knots beside each code. */
export function interpolate(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { r, zero_point, min, max } = definition.attributesOf(root);
  const [x, knots] = root.operands.map((v) => cluster.outside(v as Value)) as [Value, Value];
  return {
    operands: [x, knots],
    variants: [
      {
        feature: undefined,
        build(k) {
          const [input, table] = [context.input(k, 'x', x), context.input(k, 'knots', knots)];
          const y = context.output(k, cluster.result);
          const number = (value: number) => k.constant(value, 'i32');
          k.loop(0, count(staticShape(tensorType(x))), 1, (at) => {
            const u = k.add(k.convert(k.load(input, at), 'i32'), number(32768));
            const i = k.convert(k.shr(u, r), 'index');
            const [from, to] = [k.load(table, i), k.load(table, k.add(i, k.index(1)))];
            const part = k.shr(k.mul(k.sub(to, from), k.and(u, number(2 ** r - 1))), r);
            const value = k.shr(k.add(k.add(from, part), number(128)), 8);
            k.store(narrowed(k, k.add(value, number(zero_point)), root, { min, max }), y, at);
          });
        },
      },
    ],
  };
}
