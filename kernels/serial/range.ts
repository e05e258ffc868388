import type { Dim, ScalarType } from '../../src/ir/index.ts';
import { type Cluster, storedElement } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';

/** nn.range: start + i·step, each from the number of its element. */
export function range(cluster: Cluster, context: KernelContext): KernelPlan {
  const { start, step, size } = cluster.root.attributes as { start: Dim[]; step: number; size: Dim[] };
  return {
    operands: [],
    variants: [
      {
        feature: undefined,
        build(k) {
          const y = context.output(k, cluster.result);
          const element: ScalarType = storedElement(cluster.result);
          k.loop(0, size[0] ?? 0, 1, (i) => {
            k.store(k.convert(k.scaled(i, step, start[0] ?? 0), element), y, i);
          });
        },
      },
    ],
  };
}
