import { add, div, mul, sub } from '../../dialects/nn/binary.ts';
import type { Op, TensorType, Value } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, type Rule, rule, value } from '../../src/rewrite/index.ts';
import { channelAxis, channelCount, isLinear, perChannel } from '../channels.ts';
import { withoutClamp } from '../clamps.ts';
import { type ChannelAffine, foldIntoLinear } from './affine.ts';
import { afterSelection } from './afterSelection.ts';
import { intoNextLayer } from './intoNextLayer.ts';

/** The convolution or matrix product that alone makes `x`, and the channel-wise constant beside it. */
function match(root: Op, x: Value, constant: Value): { linear: Op; c: Float64Array } | undefined {
  const linear = x.op;
  if (!isLinear(linear) || x.uses.size !== 1 || !withoutClamp(linear) || !withoutClamp(root)) return undefined;
  const rank = (x.type as TensorType).shape.length;
  const c = perChannel(constant, rank, channelAxis(linear), channelCount(linear));
  return c && { linear, c };
}

const zerosLike = (c: Float64Array) => c.map(() => 0);
const onesLike = (c: Float64Array) => c.map(() => 1);

/** Rules for `definition` with the constant at either side, where `affine` says what it does to a channel. */
function rules(
  name: string,
  definition: typeof mul | typeof add,
  affine: (c: Float64Array) => ChannelAffine,
  swaps: boolean,
): Rule[] {
  const pattern = op(definition as typeof mul, { a: value('a'), b: value('b') });
  const one = (suffix: string, swapped: boolean) =>
    rule(`${name}${suffix}`, pattern, ({ root, a, b }, rewriter) => {
      const found = swapped ? match(root, b, a) : match(root, a, b);
      return found && foldIntoLinear(rewriter, found.linear, affine(found.c));
    });
  return swaps ? [one('', false), one('-swapped', true)] : [one('', false)];
}

/** What follows or precedes a layer and is affine a channel joins its weights and bias. */
export const foldAffine = defineRewritePass({
  name: 'fold-affine',
  summary: 'Folds constant channel-wise additions and multiplications into the layer before or behind them.',
  phase: 'transform',
  preserves: { tolerance: 1e-4 },
  rules: [
    // linear(x, w, b)·c == linear(x, w·c, b·c)
    ...rules('mul-into-linear', mul, (c) => ({ factor: c, offset: zerosLike(c) }), true),
    // linear(x, w, b)/c == linear(x, w/c, b/c)
    ...rules('div-into-linear', div, (c) => ({ factor: c.map((v) => 1 / v), offset: zerosLike(c) }), false),
    // linear(x, w, b) + c == linear(x, w, b + c)
    ...rules('add-into-linear', add, (c) => ({ factor: onesLike(c), offset: c }), true),
    // linear(x, w, b) − c == linear(x, w, b − c)
    ...rules('sub-into-linear', sub, (c) => ({ factor: onesLike(c), offset: c.map((v) => -v) }), false),
    ...afterSelection,
    ...intoNextLayer,
  ],
});
