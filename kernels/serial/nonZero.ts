import { elementOf } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { foundSymbol, storeFound } from './found.ts';
import { foldOver } from './nest.ts';

/** nn.non_zero: the elements are counted, then their places written, each axis into a row of so many. */
export function nonZero({ root }: Cluster, context: KernelContext): KernelPlan {
  const x = root.operand(0);
  const { shape } = tensorType(x);
  const finds = foundSymbol(root);
  return {
    operands: [x],
    finds,
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const y = context.output(k, root.result);
          const sizes = shape.map((dim) => k.index(dim));
          const zero = k.constant(0, elementOf(input));
          const [one, none] = [k.index(1), k.index(0)];
          /** Elements lie one behind the other: `i` counts them. */
          const visit = (start: readonly Value[], body: (at: readonly Value[], own: Value, sum: Value) => void) =>
            foldOver(k, sizes, start, (at, [i, sum]) => {
              const own = k.cmp('ne', k.load(input, i as Value), zero);
              body(at, own, sum as Value);
              return [k.add(i as Value, one), k.add(sum as Value, k.select(own, one, none))];
            })[1] as Value;
          const total = visit([none, none], () => {});
          const kept = k.min(total, k.index(context.most(finds)));
          visit([none, none], (at, own, sum) => {
            k.if(k.and(own, k.cmp('lt', sum, kept)), () => {
              at.forEach((index, axis) => {
                const place = k.add(k.mul(kept, k.index(axis)), sum);
                k.store(k.convert(index, 'i64'), y, place);
              });
            });
          });
          storeFound(k, total);
        },
      },
    ],
  };
}
