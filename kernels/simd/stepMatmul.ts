import { weightsOf } from '../../dialects/int/groupMatmul.ts';
import type { Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { groupKernel } from './groupKernel.ts';

/** int.step_matmul: sums of groups times whole numbers, and the bias. */
export function stepMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [a, sums, weights, bias] = root.operands.map((v) => cluster.outside(v as Value)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const stored = weightsOf(tensorType(weights), root.source);
  return groupKernel(cluster, context, {
    ...{ weights, stored, whole: true, a, sums, tables: undefined },
    beside: [bias],
    ending(k) {
      const start = context.input(k, 'bias', bias);
      return () =>
        (sum, { column, lanes }) =>
          k.add(sum, k.load(start, column, lanes));
    },
  });
}
