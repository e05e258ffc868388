import { interpolate as definition } from '../../dialects/int/interpolate.ts';
import { narrowed } from '../../dialects/int/narrow.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, type Value } from '../../src/ir/index.ts';
import { knotBits } from '../../src/numerics/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { count } from './places.ts';

/** int.interpolate: the two knots beside each code, and how the piece between them bends. */
export function interpolate(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { r, zero_point, min, max } = definition.attributesOf(root);
  const operands = root.operands.flatMap((v) => (v ? [cluster.outside(v)] : []));
  const [x, knots, bends] = operands as [Value, Value, Value | undefined];
  return {
    operands,
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const tables = {
            knots: context.input(k, 'knots', knots),
            bends: bends && context.input(k, 'bends', bends),
          };
          const y = context.output(k, cluster.result);
          k.loop(0, count(staticShape(tensorType(x))), 1, (at) => {
            const u = k.add(k.convert(k.load(input, at), 'i32'), k.constant(32768, 'i32'));
            const value = valueAt(k, tables, u, r);
            const code = k.shr(k.add(value, k.constant(2 ** (knotBits - 1), 'i32')), knotBits);
            k.store(narrowed(k, k.add(code, k.constant(zero_point, 'i32')), root, { min, max }), y, at);
          });
        },
      },
    ],
  };
}

function valueAt(
  k: KernelBuilder,
  { knots, bends }: { readonly knots: Value; readonly bends: Value | undefined },
  u: Value,
  r: number,
): Value {
  if (r === 0) return k.load(knots, k.convert(u, 'index'));
  const i = k.convert(k.shr(u, r), 'index');
  const f = k.and(u, k.constant(2 ** r - 1, 'i32'));
  const [from, to] = [k.load(knots, i), k.load(knots, k.add(i, k.index(1)))];
  const rise = k.sub(to, from);
  const bent = bends
    ? k.add(rise, k.shr(k.mul(bendAt(k, bends, i, f, r), k.sub(k.constant(2 ** r, 'i32'), f)), r))
    : rise;
  return k.add(from, k.shr(k.mul(bent, f), r));
}

function bendAt(k: KernelBuilder, bends: Value, i: Value, f: Value, r: number): Value {
  const at = k.add(i, i);
  return k.add(k.load(bends, at), k.shr(k.mul(k.load(bends, k.add(at, k.index(1))), f), r));
}
