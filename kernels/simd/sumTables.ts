import { lowBits, tableEntries, tableInputs } from '../../dialects/int/sumTables.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { productOf, Resource, tensor, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';

/** int.sum_tables: the 16 sums of four codes side by side, each code masked where it is not chosen. */
export function sumTables(cluster: Cluster, context: KernelContext): KernelPlan {
  const x = cluster.outside(cluster.root.operand(0));
  const chosen = Int16Array.from({ length: tableInputs * tableEntries }, (_, i) =>
    ((i % tableEntries) >> Math.floor(i / tableEntries)) & 1 ? -1 : 0,
  );
  const value = Resource.of('chosen', 'i16', chosen);
  const masks = context.rewriter.create(constant, {}, { value }, { types: [tensor([chosen.length], 'i16')] }).result;
  const { shape } = tensorType(x);
  const quads = productOf([...shape.slice(0, -1), (shape.at(-1) as number) / tableInputs]);
  const build = (k: KernelBuilder): void => {
    const [codes, choices] = [context.input(k, 'x', x), context.input(k, 'chosen', masks)];
    const tables = context.output(k, cluster.result);
    k.parallel([quads], ([quad]) => {
      const at = k.scaled(quad as Value, tableInputs);
      const sum = Array.from({ length: tableInputs }, (_, j) => {
        const code = k.splat(k.convert(k.load(codes, k.add(at, k.index(j))), 'i16'), tableEntries);
        return k.and(code, k.load(choices, k.index(j * tableEntries), tableEntries));
      }).reduce((left, right) => k.add(left, right));
      const to = k.scaled(quad as Value, 2 * tableEntries);
      const store = (part: Value, bits: number, offset: number): void => {
        const byte = k.and(part, k.constant(2 ** bits - 1, 'i16', part));
        k.store(k.narrowSaturate(byte, 'u8'), tables, k.add(to, k.index(offset)));
      };
      store(sum, lowBits, 0);
      store(k.shr(sum, lowBits), 8, tableEntries);
    });
  };
  return { operands: [x, masks], variants: [{ feature: undefined, build }] };
}
