import { narrowed } from '../../dialects/int/narrow.ts';
import { softmax } from '../../dialects/int/softmax.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { overRow } from './row.ts';

/** Bits of the reciprocal of a row's sum: as many as leave a quotient at most one too small, and products below 2^53. */
const reciprocalBits = 37;

/** ⌊2^37/d⌋ for d in 2..2^33 of i64, bit by bit. */
function reciprocal(k: KernelBuilder, d: Value): Value {
  const [zero, one] = [k.constant(0, 'i64'), k.constant(1, 'i64')];
  const [quotient] = k.for(0, reciprocalBits, 1, [zero, one], (_, [q, rest]) => {
    const twice = k.shl(rest as Value, 1);
    const reaches = k.cmp('ge', twice, d);
    return [k.add(k.shl(q as Value, 1), k.select(reaches, one, zero)), k.sub(twice, k.select(reaches, d, zero))];
  });
  return quotient as Value;
}

/** int.softmax over contiguous rows: the maximum, the sum of the exponentials, their shares by one reciprocal a row. */
export function intSoftmax(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { multiplier, shift, zero_point, min, max } = softmax.attributesOf(root);
  const operands = root.operands.map((v) => cluster.outside(v as Value));
  const type = tensorType(operands[0] as Value);
  const shape = staticShape(type);
  const length = shape.at(-1) as number;
  const rows = shape.slice(0, -1).reduce((n, d) => n * d, 1);
  const wide = lanesFor(context.target, 4);
  const build = (k: KernelBuilder): void => {
    const [x, high, low] = operands.map((v, i) => context.input(k, ['x', 'high', 'low'][i] as string, v));
    const y = context.output(k, cluster.result);
    const entry = (table: Value, at: Value) => k.convert(k.load(table, k.convert(at, 'index')), 'i32');

    k.each(0, rows, 1, (row) => {
      const at = (i: Value) => k.add(k.scaled(row, length), i);
      const codes = (i: Value, lanes: number) => k.convert(k.load(x as Value, at(i), lanes), 'i32');
      const most = overRow(k, length, wide, -32768, codes, (a, b) => k.max(a, b), 'i32');
      const weight = (i: Value): Value => {
        const d = k.sub(most, codes(i, 1));
        if (!low) return entry(high as Value, d);
        const coarse = entry(high as Value, k.shr(d, 8));
        const product = k.mul(coarse, entry(low, k.and(d, k.constant(255, 'i32'))));
        return k.shr(k.add(product, k.constant(2 ** 14, 'i32')), 15);
      };
      const [sum] = k.for(0, length, 1, [k.constant(0, 'i64')], (i, [total]) => [
        k.add(total as Value, k.convert(weight(i), 'i64')),
      ]) as [Value];
      const divisor = k.shl(sum, 1);
      const factor = reciprocal(k, divisor);
      k.loop(0, length, 1, (i) => {
        const numerator = k.add(k.shl(k.convert(weight(i), 'i64'), 16), sum);
        const quotient = k.shr(k.mul(numerator, factor), reciprocalBits);
        const rest = k.sub(numerator, k.mul(quotient, divisor));
        const whole = k.select(k.cmp('ge', rest, divisor), k.add(quotient, k.constant(1, 'i64')), quotient);
        const p = k.min(k.convert(whole, 'i32'), k.constant(32767, 'i32'));
        const scaled = k.mulShift(p, k.constant(multiplier, 'i32'), shift);
        const code = k.add(scaled, k.constant(zero_point, 'i32'));
        k.store(narrowed(k, code, root, { min, max }), y, at(i));
      });
    });
  };
  return { operands, variants: [{ feature: undefined, build }] };
}
