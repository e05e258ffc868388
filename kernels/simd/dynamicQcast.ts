import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { groupShape } from '../../dialects/quant/dynamicQcast.ts';
import { type Dim, knownSize, productOf, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
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
  const { groups, padded } = groupShape(inputs, group, align);
  const wide = lanesFor(context.target, 4);
  const lanes = lanesFor(context.target, 1);
  // comparisons of several vectors need not wait for one another
  const chains = wide > 1 && inputs >= 4 * wide ? 4 : 1;
  const build = (k: KernelBuilder): void => {
    const xs = context.input(k, 'x', x);
    const [codes, scales, zeros, sums] = root.results.map((result, i) =>
      context.output(k, result, root.definition.results[i] as string),
    ) as [Value, Value, Value, Value];
    // where codes of a group end inside a word, one invocation does them all
    const apart = context.target.family === 'simd' || [group, padded, inputs].every((n) => n % lanes === 0);
    const each = (body: (row: Value) => void) =>
      apart ? k.parallel([rows], ([row]) => body(row as Value)) : k.loop(0, rows, 1, body);
    each((row) => {
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

      /** Codes of inputs [from, to) of group g, and their sum so far, lane by lane. */
      const part = (g: Value, from: number, to: number, n: number, sum: Value): Value =>
        k.for(from, to, n, [sum], (i, [before]) => {
          const value = read(k.add(k.scaled(g, group), i), n);
          const steps = roundedSteps(k, k.div(value, k.splat(scale, n)));
          // the range is applied before the zero point is added, so that a saturated conversion cannot wrap
          const z = k.splat(zero, n);
          const least = k.sub(k.constant(-128, 'i32', steps), z);
          const most = k.sub(k.constant(127, 'i32', steps), z);
          const code = k.add(k.min(k.max(steps, least), most), z);
          const at = k.add(k.scaled(k.add(k.scaled(row, groups), g), padded), i);
          k.store(k.narrowSaturate(code, 'i8'), codes, at);
          return [k.add(before as Value, code)];
        })[0] as Value;
      const fillGroup = (g: Value, count: number): void => {
        const whole = count - (count % lanes);
        const vectors = part(g, 0, whole, lanes, k.repeated(0, 'i32', lanes));
        const sum = part(g, whole, count, 1, k.reduce('add', vectors));
        k.store(sum, sums, k.add(k.scaled(row, groups), g));
        const end = k.scaled(k.add(k.scaled(row, groups), g), padded);
        const step = (padded - count) % lanes === 0 ? lanes : 1;
        k.loop(count, padded, step, (i) => k.store(k.repeated(0, 'i8', step), codes, k.add(end, i)));
      };
      const last = inputs % group;
      const full = last === 0 ? groups : groups - 1;
      k.loop(0, full, 1, (g) => fillGroup(g, group));
      if (last !== 0) fillGroup(k.index(full), last);
    });
  };
  return { operands: [x], variants: [{ feature: undefined, build }] };
}
