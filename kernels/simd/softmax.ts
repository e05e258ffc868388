import { expF32 } from '../../dialects/kernel/elementary.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';

/**
 * Softmax of float rows that lie contiguously: the maximum, then e^(x − max) and its sum, then the division. Lanes
 * keep partial results that are joined in a fixed tree.
 */
export function softmax(cluster: Cluster, context: KernelContext): KernelPlan {
  const x = cluster.outside(cluster.root.operand(0));
  const shape = staticShape(tensorType(x));
  const length = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((n, d) => n * d, 1);
  const wide = lanesFor(context.target, 4);
  const whole = length - (length % wide);
  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const y = context.output(k, cluster.result);

    /** Joins `value` over the row: whole vectors first, their lanes, then the tail. */
    const overRow = (
      init: number,
      value: (i: Value, lanes: number) => Value,
      join: (a: Value, b: Value) => Value,
    ): Value => {
      const part = (from: number, to: number, lanes: number, start: Value) =>
        k.for(from, to, lanes, [start], (i, [sum]) => [join(sum as Value, value(i, lanes))])[0] as Value;
      let sum = part(0, whole, wide, k.repeated(init, 'f32', wide));
      for (let width = wide; width > 1; width /= 2) {
        sum = join(k.slice(sum, 0, width / 2), k.slice(sum, width / 2, width / 2));
      }
      return part(whole, length, 1, sum);
    };

    k.loop(0, rows, 1, (row) => {
      const at = (i: Value) => k.add(k.scaled(row, length), i);
      const max = overRow(
        -Infinity,
        (i, lanes) => k.load(input, at(i), lanes),
        (a, b) => k.max(a, b),
      );
      const exponential = (i: Value, lanes: number): Value => {
        const e = expF32(k, k.sub(k.load(input, at(i), lanes), k.splat(max, lanes)));
        k.store(e, y, at(i));
        return e;
      };
      const sum = overRow(0, exponential, (a, b) => k.add(a, b));
      const divide = (i: Value, lanes: number) =>
        k.store(k.div(k.load(y, at(i), lanes), k.splat(sum, lanes)), y, at(i));
      k.loop(0, whole, wide, (i) => divide(i, wide));
      k.loop(whole, length, 1, (i) => divide(i, 1));
    });
  };
  return { operands: [x], variants: [{ feature: undefined, build }], inPlace: [0] };
}
