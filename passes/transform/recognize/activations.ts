import { div, mul } from '../../../dialects/nn/binary.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { exp, hardSigmoid, hardSwish, log, mish, sigmoid, silu, softplus, tanh } from '../../../dialects/nn/unary.ts';
import type { Op, Value } from '../../../src/ir/index.ts';
import { defineRewritePass } from '../../../src/pass/define.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { splatOf } from '../../constants.ts';
import { geluRules } from './gelu.ts';
import { bothOrders, inverted, near, negated, scaledBy, shiftedBy } from './spelling.ts';

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

/** The value x of 1 + e^(−x). */
function logisticDenominator(v: Value): Value | undefined {
  const power = shiftedBy(v, 1);
  return power && exp.is(power.op) ? negated(power.op.operand(0)) : undefined;
}

// 1/(1 + e^(−x)) == σ(x)
const quotientToSigmoid = rule('sigmoid', op(div), ({ root }, rewriter) => {
  const below = inverted(root.result);
  const x = below && logisticDenominator(below);
  return x && rewriter.create(sigmoid, { x }).result;
});

// x/(1 + e^(−x)) == silu(x)
const quotientToSilu = rule('silu-quotient', op(div, { a: value('a'), b: value('b') }), ({ a, b }, rewriter) => {
  return logisticDenominator(b) === a ? rewriter.create(silu, { x: a }).result : undefined;
});

// x·σ(c·x) == silu{c}(x)
const mulToScaledSilu = rule('silu-scaled', op(mul), ({ root }, rewriter) => {
  for (const [x, gate] of bothOrders(root)) {
    const inner = sigmoidOf(gate);
    const scale = mul.is(inner?.op) ? bothOrders(inner.op).find(([a]) => a === x)?.[1] : undefined;
    const alpha = splatOf(scale);
    if (alpha !== undefined && alpha !== 0) return rewriter.create(silu, { x }, { alpha }).result;
  }
  return undefined;
});

// ln(1 + e^x) == softplus(x)
const logToSoftplus = rule('softplus', op(log, { x: value('x') }), ({ x }, rewriter) => {
  const power = shiftedBy(x, 1);
  return power && exp.is(power.op) ? rewriter.create(softplus, { x: power.op.operand(0) }).result : undefined;
});

/** The value x of tanh(softplus(x)). */
function tanhOfSoftplus(v: Value): Value | undefined {
  const inner = tanh.is(v.op) ? v.op.operand(0).op : undefined;
  return softplus.is(inner) ? inner.operand(0) : undefined;
}

// x·tanh(softplus(x)) == mish(x)
const mulToMish = rule('mish', op(mul), ({ root }, rewriter) => {
  const x = productWith(root, tanhOfSoftplus);
  return x && rewriter.create(mish, { x }).result;
});

/** Activations that a model spells out become single ops: one table each when quantized. */
export const recognizeActivations = defineRewritePass({
  name: 'recognize-activations',
  summary: 'Finds sigmoid, softplus, SiLU, Mish, GELU and their hard forms that are spelled out in simpler operators.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [
    ...[divToHardSigmoid, divToHardSwish, mulToHardSwish],
    ...[quotientToSigmoid, quotientToSilu, mulToSilu, mulToScaledSilu],
    ...[logToSoftplus, mulToMish, ...geluRules],
  ],
});
