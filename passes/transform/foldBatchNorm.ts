import { batchNorm } from '../../dialects/nn/batchNorm.ts';
import { add, mul } from '../../dialects/nn/binary.ts';
import type { Op, TensorType } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { capture, op, rule, value } from '../../src/rewrite/index.ts';
import { channelAxis, isLinear } from '../channels.ts';
import { withoutClamp } from '../clamps.ts';
import { createFloats, floatConstantOf } from '../constants.ts';
import { type ChannelAffine, channelShape, foldIntoLinear } from './affine.ts';

/** x·s/√(v + ε) + (b − m·s/√(v + ε)) of a normalization by constants, in f64. */
function affineOf(norm: Op): ChannelAffine | undefined {
  const [scale, bias, mean, variance] = norm.operands
    .slice(1)
    .map((v) => floatConstantOf(v)?.data as Float32Array | undefined);
  if (!scale || !bias || !mean || !variance) return undefined;
  const { epsilon } = batchNorm.attributesOf(norm);
  const factor = Float64Array.from(scale, (s, c) => s / Math.sqrt((variance[c] as number) + epsilon));
  const offset = Float64Array.from(bias, (b, c) => b - (mean[c] as number) * (factor[c] as number));
  return { factor, offset };
}

// batch_norm(linear(x, w, b)) == linear(x, w·f, b·f + o), f = s/√(v + ε), o = bias − m·f
const intoLinear = rule('batch-norm-into-linear', op(batchNorm, { x: value('x') }), ({ root, x }, rewriter) => {
  const affine = affineOf(root);
  const linear = x.op;
  if (!affine || !isLinear(linear) || x.uses.size !== 1 || !withoutClamp(linear)) return undefined;
  return channelAxis(linear) === 1 ? foldIntoLinear(rewriter, linear, affine) : undefined;
});

// batch_norm(x) == x·f + o
const alone = rule(
  'batch-norm-to-affine',
  capture('norm', op(batchNorm, { x: value('x') })),
  ({ norm, x }, rewriter) => {
    const affine = affineOf(norm);
    if (!affine) return undefined;
    const channels = affine.factor.length;
    const shape = channelShape(x.type as TensorType, 1, channels);
    const factor = createFloats(rewriter, `${norm.source}.factor`, shape, affine.factor);
    const offset = createFloats(rewriter, `${norm.source}.offset`, shape, affine.offset);
    const scaled = rewriter.create(mul, { a: x, b: factor }).result;
    return rewriter.create(add, { a: scaled, b: offset }).result;
  },
);

/** Normalizations by constants disappear into the layer before them, or become a multiplication and an addition. */
export const foldBatchNorm = defineRewritePass({
  name: 'fold-batch-norm',
  summary: 'Folds batch normalization into the convolution or matrix product before it.',
  phase: 'transform',
  preserves: { tolerance: 1e-4 },
  rules: [intoLinear, alone],
});
