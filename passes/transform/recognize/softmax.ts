import { normalAxes } from '../../../dialects/nn/axes.ts';
import { div, mul, sub } from '../../../dialects/nn/binary.ts';
import { type ReduceOp, reduceMax, reduceSum } from '../../../dialects/nn/reduce.ts';
import { softmax } from '../../../dialects/nn/softmax.ts';
import { exp, log } from '../../../dialects/nn/unary.ts';
import type { TensorType, Value } from '../../../src/ir/index.ts';
import { defineRewritePass } from '../../../src/pass/define.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { withoutClamp } from '../../clamps.ts';
import { bothOrders, inverted } from './spelling.ts';

/** The x of a reduction along one axis that stays as one element, and the axis. */
function alongOne(v: Value, definition: ReduceOp): { x: Value; axis: number } | undefined {
  if (!definition.is(v.op)) return undefined;
  const { axes, keepdims } = definition.attributesOf(v.op);
  const x = v.op.operand(0);
  const [axis, ...others] = normalAxes(axes, (x.type as TensorType).shape.length);
  return keepdims && axis !== undefined && others.length === 0 ? { x, axis } : undefined;
}

/** x of x − max(x) along the axis, or the value itself: the difference drops out of the quotient. */
function withoutMaximum(v: Value, axis: number): Value {
  if (!sub.is(v.op) || !withoutClamp(v.op)) return v;
  const top = alongOne(v.op.operand(1), reduceMax);
  return top?.x === v.op.operand(0) && top.axis === axis ? top.x : v;
}

/** The softmax that e^v / `total` is. */
function softmaxOf(powers: Value, total: Value): { x: Value; axis: number } | undefined {
  const sum = alongOne(total, reduceSum);
  if (!sum || sum.x !== powers || !exp.is(powers.op)) return undefined;
  return { x: withoutMaximum(powers.op.operand(0), sum.axis), axis: sum.axis };
}

// e^(x − max x) / Σ e^(x − max x) == softmax(x), with or without the maximum
const quotient = rule('softmax-quotient', op(div, { a: value('a'), b: value('b') }), ({ a, b }, rewriter) => {
  const found = softmaxOf(a, b);
  return found && rewriter.create(softmax, { x: found.x }, { axis: found.axis }).result;
});

// e^x · (1 / Σ e^x) == softmax(x)
const product = rule('softmax-product', op(mul), ({ root }, rewriter) => {
  if (!withoutClamp(root)) return undefined;
  for (const [powers, factor] of bothOrders(root)) {
    const total = inverted(factor);
    const found = total && softmaxOf(powers, total);
    if (found) return rewriter.create(softmax, { x: found.x }, { axis: found.axis }).result;
  }
  return undefined;
});

// e^(x − ln Σ e^x) == softmax(x)
const exponential = rule('softmax-of-logarithm', op(exp, { x: value('x') }), ({ x }, rewriter) => {
  const difference = sub.is(x.op) && withoutClamp(x.op) ? x.op : undefined;
  const logarithm = difference?.operand(1).op;
  const sum = log.is(logarithm) ? alongOne(logarithm.operand(0), reduceSum) : undefined;
  if (!difference || !sum || !exp.is(sum.x.op) || sum.x.op.operand(0) !== difference.operand(0)) return undefined;
  const whole = withoutMaximum(difference.operand(0), sum.axis);
  return rewriter.create(softmax, { x: whole }, { axis: sum.axis }).result;
});

/** Softmax that a model spells out becomes one op, whose results are known to lie in [0, 1]. */
export const recognizeSoftmax = defineRewritePass({
  name: 'recognize-softmax',
  summary: 'Finds softmax that is spelled out in exponentials and sums.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [quotient, product, exponential],
});
