import { mul } from '../../dialects/nn/binary.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { scast } from '../../dialects/quant/scast.ts';
import { affine, type QuantParams, type QuantType, quantOf, type TensorType, withElement } from '../../src/ir/index.ts';
import { splitExponent } from '../../src/numerics/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule, value } from '../../src/rewrite/index.ts';
import { createFloats } from '../constants.ts';
import { channelShape } from '../transform/affine.ts';

/** Whether the product with a number is exact, so that one rounding is left. */
const isPowerOfTwo = (x: number | undefined): boolean => x !== undefined && x > 0 && splitExponent(x).f === 0.5;

// dcast(acc) == fl32(acc)·S, S one number or one a channel; both roundings to f32 are ops of their own
const accumulator = rule('expand-dcast', op(dcast, { x: value('x') }), ({ root, x }, rewriter) => {
  const type = x.type as TensorType;
  const quant = quantOf(type) as QuantType;
  const { granularity } = quant;
  const { scale, zeroPoint } = quant.params as QuantParams;
  if (quant.storage !== 'i32' || zeroPoint.some((z) => z !== 0) || (scale.length === 1 && isPowerOfTwo(scale[0])))
    return undefined;
  const shape = granularity.kind === 'axis' ? channelShape(type, granularity.axis, scale.length) : [];
  const counts = rewriter.create(scast, { x }, {}, { types: [withElement(type, affine('i32', 1))] }).result;
  const real = rewriter.create(dcast, { x: counts }, {}, { types: [root.result.type] }).result;
  const factor = createFloats(rewriter, `${root.source}.scale`, shape, scale);
  return rewriter.create(mul, { a: real, b: factor }).result;
});

/** Writes out how an accumulator becomes float. */
export const expandDcast = defineRewritePass({
  name: 'expand-dcast',
  summary: 'Writes the way of an accumulator to float as a conversion and a multiplication.',
  phase: 'integer',
  preserves: { tolerance: 1e-6 },
  rules: [accumulator],
});
