import { add, div, mul } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { erf, gelu, hardSigmoid, hardSwish, sigmoid, silu } from '../../dialects/nn/unary.ts';
import type { Op, Value } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule, value } from '../../src/rewrite/index.ts';
import { withoutClamp } from '../clamps.ts';
import { splatOf } from '../constants.ts';

/** Whether `x` is c, up to the rounding of a constant to f32. */
const near = (x: number | undefined, c: number): boolean => x !== undefined && Math.abs(x - c) <= Math.abs(c) * 1e-6;

/** The other operand of a commutative op, where one operand satisfies `test`. */
function otherOperand(root: Op, test: (v: Value) => boolean): Value | undefined {
  const [a, b] = [root.operand(0), root.operand(1)];
  return test(b) ? a : test(a) ? b : undefined;
}

/** The value x of x·c or x/(1/c) with a constant. */
function scaledBy(v: Value, c: number): Value | undefined {
  const root = v.op;
  if (root?.definition === mul) return otherOperand(root, (o) => near(splatOf(o), c));
  if (root?.definition === div && near(splatOf(root.operands[1]), 1 / c)) return root.operand(0);
  return undefined;
}

/** The value x of x + c with a constant. */
function shiftedBy(v: Value, c: number): Value | undefined {
  return add.is(v.op) && withoutClamp(v.op) ? otherOperand(v.op, (o) => near(splatOf(o), c)) : undefined;
}

/** The value x of clip(x + 3, 0, 6). */
function shiftedRelu6(v: Value): Value | undefined {
  if (!clamp.is(v.op)) return undefined;
  const { min, max } = clamp.attributesOf(v.op);
  return min === 0 && max === 6 ? shiftedBy(v.op.operand(0), 3) : undefined;
}

/** The value x of hard_sigmoid{1/6, 1/2}(x), in any of its spellings. */
function hardSixth(v: Value): Value | undefined {
  if (hardSigmoid.is(v.op)) {
    const { alpha, beta } = hardSigmoid.attributesOf(v.op);
    return near(alpha, 1 / 6) && near(beta, 0.5) ? v.op.operand(0) : undefined;
  }
  const six = scaledBy(v, 1 / 6);
  return six && shiftedRelu6(six);
}

/** The value x of σ(x). */
const sigmoidOf = (v: Value): Value | undefined => (sigmoid.is(v.op) ? v.op.operand(0) : undefined);

/** x, where `root` is x·f(x) and `inner` gives the x of an f(x). */
function productWith(root: Op, inner: (v: Value) => Value | undefined): Value | undefined {
  const [a, b] = [root.operand(0), root.operand(1)];
  return inner(b) === a ? a : inner(a) === b ? b : undefined;
}

// clip(x + 3, 0, 6)/6 == hard_sigmoid{1/6, 1/2}(x)
const divToHardSigmoid = rule('hard-sigmoid', op(div, { a: value('a'), b: value('b') }), ({ a, b }, rewriter) => {
  const x = near(splatOf(b), 6) ? shiftedRelu6(a) : undefined;
  return x && rewriter.create(hardSigmoid, { x }, { alpha: 1 / 6, beta: 0.5 }).result;
});

// x·clip(x + 3, 0, 6)/6 == hard_swish(x)
const divToHardSwish = rule('hard-swish-div', op(div, { a: value('a'), b: value('b') }), ({ a, b }, rewriter) => {
  const x = near(splatOf(b), 6) && mul.is(a.op) ? productWith(a.op, shiftedRelu6) : undefined;
  return x && rewriter.create(hardSwish, { x }).result;
});

// x·hard_sigmoid{1/6, 1/2}(x) == hard_swish(x)
const mulToHardSwish = rule('hard-swish', op(mul), ({ root }, rewriter) => {
  const whole = scaledBy(root.result, 1 / 6);
  const x = productWith(root, hardSixth) ?? (mul.is(whole?.op) ? productWith(whole.op, shiftedRelu6) : undefined);
  return x && rewriter.create(hardSwish, { x }).result;
});

// x·σ(x) == silu(x)
const mulToSilu = rule('silu', op(mul), ({ root }, rewriter) => {
  const x = productWith(root, sigmoidOf);
  return x && rewriter.create(silu, { x }).result;
});

/** The value x of 1 + erf(x/√2). */
function erfPlusOne(v: Value): Value | undefined {
  const shifted = shiftedBy(v, 1);
  return shifted && erf.is(shifted.op) ? scaledBy(shifted.op.operand(0), Math.SQRT1_2) : undefined;
}

// ½·x·(1 + erf(x/√2)) == gelu(x), the half at any place
const mulToGelu = rule('gelu', op(mul), ({ root }, rewriter) => {
  const whole = scaledBy(root.result, 0.5);
  const outside = mul.is(whole?.op) ? productWith(whole.op, erfPlusOne) : undefined;
  const x = outside ?? productWith(root, (v) => halved(v, erfPlusOne)) ?? halfTimes(root);
  return x && rewriter.create(gelu, { x }).result;
});

function halved(v: Value, inner: (v: Value) => Value | undefined): Value | undefined {
  const half = scaledBy(v, 0.5);
  return half && inner(half);
}

/** The value x of (½·x)·(1 + erf(x/√2)). */
function halfTimes(root: Op): Value | undefined {
  const [a, b] = [root.operand(0), root.operand(1)];
  const [x, y] = [erfPlusOne(b), erfPlusOne(a)];
  if (x && scaledBy(a, 0.5) === x) return x;
  return y && scaledBy(b, 0.5) === y ? y : undefined;
}

/** Activations that a model spells out become single ops: one table each when quantized. */
export const recognizeActivations = defineRewritePass({
  name: 'recognize-activations',
  summary: 'Finds hard sigmoid, hard swish, SiLU and GELU that are spelled out in simpler operators.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [divToHardSigmoid, divToHardSwish, mulToHardSwish, mulToSilu, mulToGelu],
});
