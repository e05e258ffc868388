import { groupShape } from '../../dialects/int/groupCodes.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, knownSize, productOf, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { forEachGroupRow, type GroupRows, writeGroups } from './groupRows.ts';
import { overRow } from './row.ts';

/** The smallest normal f32: scales below are degenerate. */
const leastScale = 2 ** -126;

/** 1.5·2²³: floats about it are the whole numbers, so that adding it rounds to the nearest, ties to even. */
const wholeFloats = 12582912;

/** Numbers below 2²² in size, as those of a range divided by its step are, rounded to even; NaN becomes 0. */
function roundedSteps(k: KernelBuilder, x: Value): Value {
  const about = k.constant(wholeFloats, 'f32', x);
  const bits = k.bitcast(k.add(x, about), 'i32');
  const steps = k.sub(bits, k.constant(bitsOf(wholeFloats), 'i32', bits));
  return k.select(k.cmp('eq', x, x), steps, k.constant(0, 'i32', steps));
}

const bitsOf = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0] as number;

/** quant.dynamic_qcast: for each row its range, then its codes group by group. */
export function dynamicQcast(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const x = root.operand(0);
  const { group, align, symmetric } = root.attributes as { group: number; align: number; symmetric: boolean };
  const { shape } = tensorType(x);
  const inputs = knownSize(shape.at(-1) as Dim);
  const rows = productOf(shape.slice(0, -1));
  const groupRows: GroupRows = { rows, inputs, group, ...groupShape(inputs, group, align) };
  const wide = lanesFor(context.target, 4);
  // comparisons of several vectors need not wait for one another
  const chains = wide > 1 && inputs >= 4 * wide ? 4 : 1;
  const build = (k: KernelBuilder): void => {
    const xs = context.input(k, 'x', x);
    const [codes, scales, zeros, sums] = root.results.map((result, i) =>
      context.output(k, result, root.definition.results[i] as string),
    ) as [Value, Value, Value, Value];
    forEachGroupRow(k, context.target, groupRows, (row) => {
      const read = (i: Value, n: number) => k.load(xs, k.add(k.scaled(row, inputs), i), n);
      const low = overRow(k, inputs, chains * wide, 0, read, (a, b) => k.min(a, b));
      const high = overRow(k, inputs, chains * wide, 0, read, (a, b) => k.max(a, b));
      const span = symmetric ? k.max(k.neg(low), high) : k.sub(high, low);
      const exact = k.div(span, k.constant(symmetric ? 127 : 255, 'f32'));
      const one = k.constant(1, 'f32');
      const scale = k.select(k.cmp('lt', exact, k.constant(leastScale, 'f32')), one, exact);
      const rounded = k.convert(k.roundEven(k.neg(k.div(low, scale))), 'i32');
      const bounded = k.min(k.max(rounded, k.constant(0, 'i32')), k.constant(255, 'i32'));
      const zero = symmetric ? k.constant(0, 'i32') : k.add(bounded, k.constant(-128, 'i32'));
      k.store(scale, scales, row);
      k.store(zero, zeros, row);

      writeGroups(k, context.target, groupRows, row, [codes, sums], (i, n) => {
        const steps = roundedSteps(k, k.div(read(i, n), k.splat(scale, n)));
        // the range is applied before the zero point is added, so that a saturated conversion cannot wrap
        const z = k.splat(zero, n);
        const least = k.sub(k.constant(-128, 'i32', steps), z);
        const most = k.sub(k.constant(127, 'i32', steps), z);
        return k.add(k.min(k.max(steps, least), most), z);
      });
    });
  };
  return { operands: [x], variants: [{ feature: undefined, build }] };
}
