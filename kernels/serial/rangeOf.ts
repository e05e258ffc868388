import { divide } from '../../dialects/kernel/division.ts';
import { elementOf, type KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { type Cluster, storedElement } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { refusalOf } from '../refused.ts';
import { foundSymbol, storeFound } from './found.ts';

/** What a range that does not end finds: more than any bound allows. */
const endless = 2 ** 31 - 1;

/** nn.range_of on integers: ⌈(limit − start)/step⌉ numbers. */
export function rangeOf(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const operands = root.operands as [Value, Value, Value];
  const finds = foundSymbol(root);
  if (storedElement(cluster.result) === 'f32') throw refusalOf(root);
  return {
    operands,
    finds,
    variants: [
      {
        feature: undefined,
        build(k) {
          const [start, limit, step] = ['start', 'limit', 'step'].map((name, i) =>
            k.convert(k.load(context.input(k, name, operands[i] as Value), k.index(0)), 'i64'),
          ) as [Value, Value, Value];
          const y = context.output(k, root.result);
          const count = countOf(k, start, limit, step);
          k.loop(0, k.min(count, k.index(context.most(finds))), 1, (i) => {
            const value = k.add(start, k.mul(k.convert(i, 'i64'), step));
            k.store(k.convert(value, elementOf(y)), y, i);
          });
          storeFound(k, count);
        },
      },
    ],
  };
}

function countOf(k: KernelBuilder, start: Value, limit: Value, step: Value): Value {
  const [zero, one, many] = [0, 1, endless].map((v) => k.constant(v, 'i64')) as [Value, Value, Value];
  const falls = k.cmp('lt', step, zero);
  const span = k.select(falls, k.sub(start, limit), k.sub(limit, start));
  const size = k.max(k.select(falls, k.sub(zero, step), step), one);
  const steps = divide(k, k.add(k.max(span, zero), k.sub(size, one)), size);
  const count = k.select(k.cmp('eq', step, zero), many, k.min(steps, many));
  return k.convert(count, 'index');
}
