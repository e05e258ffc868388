import { narrowed } from '../../dialects/int/narrow.ts';
import { normalize } from '../../dialects/int/normalize.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { overRow } from './row.ts';

/**
 * ⌊2^k/√V⌋ = ⌊√⌊2^(2k)/V⌋⌋ for 0 < V < 2^62 and k ≤ 55; of V = 0, 0. Each turn finds two bits of the quotient by long
 * division, and from these one bit of the root, digit by digit.
 */
function inverseRoot(k: KernelBuilder, V: Value, bits: number): Value {
  const [zero, one, two] = [0, 1, 2].map((value) => k.constant(value, 'i64')) as [Value, Value, Value];
  const divided = (rest: Value): [bit: Value, rest: Value] => {
    const bit = k.cmp('ge', rest, V);
    return [bit, k.sub(rest, k.select(bit, V, zero))];
  };
  const rooted = (root: Value, rest: Value): [root: Value, rest: Value] => {
    const trial = k.add(k.shl(root, 2), one);
    const fits = k.cmp('ge', rest, trial);
    const next = k.shl(root, 1);
    return [k.select(fits, k.add(next, one), next), k.select(fits, k.sub(rest, trial), rest)];
  };
  const [first, rest] = divided(one);
  const start = rooted(zero, k.select(first, one, zero));
  const [root] = k.for(0, bits, 1, [...start, rest], (_, [root, remainder, dividend]) => {
    const [upper, between] = divided(k.shl(dividend as Value, 1));
    const [lower, left] = divided(k.shl(between, 1));
    const pair = k.add(k.select(upper, two, zero), k.select(lower, one, zero));
    return [...rooted(root as Value, k.add(k.shl(remainder as Value, 2), pair)), left];
  });
  return k.select(k.cmp('eq', V, zero), zero, root as Value);
}

/** int.normalize over contiguous rows: the sum, the squares of what differs from it, the root, then the products. */
export function intNormalize(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const attributes = normalize.attributesOf(root);
  const { length, center, input_zero_point, t, k: bits, multiplier, shift, zero_point, min, max } = attributes;
  const x = cluster.outside(root.operand(0));
  const rows = staticShape(tensorType(x)).reduce((n, d) => n * d, 1) / length;
  const wide = lanesFor(context.target, 4);
  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const y = context.output(k, cluster.result);
    k.each(0, rows, 1, (row) => {
      const at = (i: Value) => k.add(k.scaled(row, length), i);
      const codes = (i: Value, lanes: number) => k.convert(k.convert(k.load(input, at(i), lanes), 'i32'), 'i64');
      const add = (a: Value, b: Value) => k.add(a, b);
      const sum = center ? overRow(k, length, wide, 0, codes, add, 'i64') : undefined;
      const distance = (i: Value, lanes: number): Value => {
        const code = codes(i, lanes);
        const d = sum
          ? k.sub(k.mul(code, k.constant(length, 'i64', code)), k.splat(sum, lanes))
          : k.shl(k.sub(code, k.constant(input_zero_point, 'i64', code)), 8);
        return k.shr(d, t);
      };
      const square = (i: Value, lanes: number): Value => {
        const d = distance(i, lanes);
        return k.mul(d, d);
      };
      const squares = overRow(k, length, wide, 0, square, add, 'i64');
      const factor = inverseRoot(k, k.add(squares, k.constant(attributes.epsilon, 'i64')), bits);
      const write = (i: Value, lanes: number): void => {
        const product = k.mul(distance(i, lanes), k.splat(factor, lanes));
        const a = k.convert(k.shr(product, bits - 30), 'i32');
        const code = k.mulShift(a, k.constant(multiplier, 'i32', a), shift);
        k.store(narrowed(k, k.add(code, k.constant(zero_point, 'i32', code)), root, { min, max }), y, at(i));
      };
      const whole = length - (length % wide);
      k.loop(0, whole, wide, (i) => write(i, wide));
      k.loop(whole, length, 1, (i) => write(i, 1));
    });
  };
  return { operands: [x], variants: [{ feature: undefined, build }] };
}
