import { groupShape } from '../../dialects/int/groupCodes.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, knownSize, productOf, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { forEachGroupRow, type GroupRows, writeGroups } from './groupRows.ts';

/** int.group_codes: copies codes group by group, and adds them up. */
export function groupCodes(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const x = cluster.outside(root.operand(0));
  const { group, align } = root.attributes as { group: number; align: number };
  const { shape } = tensorType(x);
  const inputs = knownSize(shape.at(-1) as Dim);
  const rows: GroupRows = { rows: productOf(shape.slice(0, -1)), inputs, group, ...groupShape(inputs, group, align) };
  const build = (k: KernelBuilder): void => {
    const xs = context.input(k, 'x', x);
    const [codes, sums] = root.results.map((result, i) =>
      context.output(k, result, root.definition.results[i] as string),
    ) as [Value, Value];
    forEachGroupRow(k, context.target, rows, (row) =>
      writeGroups(k, context.target, rows, row, [codes, sums], (i, lanes) =>
        k.convert(k.convert(k.load(xs, k.add(k.scaled(row, inputs), i), lanes), 'i16'), 'i32'),
      ),
    );
  };
  return { operands: [x], variants: [{ feature: undefined, build }] };
}
