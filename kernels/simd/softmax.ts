import { expF32 } from '../../dialects/kernel/elementary.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { modDim, productOf, subDim, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { overRow } from './row.ts';

/**
 * e^−64 beside the row's largest term, 1, is far below what single precision sees. As zeros such terms keep masked
 * places from becoming subnormal numbers, which processors multiply a hundred times slower.
 */
const negligible = -64;

/**
 * Softmax of float rows that lie contiguously: the maximum, then e^(x − max) and its sum, then the division. Lanes
 * keep partial results that are joined in a fixed tree.
 */
export function softmax(cluster: Cluster, context: KernelContext): KernelPlan {
  const x = cluster.outside(cluster.root.operand(0));
  const { shape } = tensorType(x);
  const length = shape.at(-1) ?? 1;
  const rows = productOf(shape.slice(0, -1));
  const wide = lanesFor(context.target, 4);
  const whole = subDim(length, modDim(length, wide));
  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const y = context.output(k, cluster.result);

    k.parallel([rows], ([r]) => {
      const row = r as Value;
      const at = (i: Value) => k.add(k.scaled(row, length), i);
      const max = overRow(
        k,
        length,
        wide,
        -Infinity,
        (i, lanes) => k.load(input, at(i), lanes),
        (a, b) => k.max(a, b),
      );
      const exponential = (i: Value, lanes: number): Value => {
        const below = k.sub(k.load(input, at(i), lanes), k.splat(max, lanes));
        const zero = k.constant(0, 'f32', below);
        const e = k.select(k.cmp('lt', below, k.constant(negligible, 'f32', below)), zero, expF32(k, below));
        k.store(e, y, at(i));
        return e;
      };
      const sum = overRow(k, length, wide, 0, exponential, (a, b) => k.add(a, b));
      const divide = (i: Value, lanes: number) =>
        k.store(k.div(k.load(y, at(i), lanes), k.splat(sum, lanes)), y, at(i));
      k.loop(0, whole, wide, (i) => divide(i, wide));
      k.loop(whole, length, 1, (i) => divide(i, 1));
    });
  };
  return { operands: [x], variants: [{ feature: undefined, build }], inPlace: [0] };
}
