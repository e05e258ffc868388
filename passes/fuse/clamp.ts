import { add } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import type { Op, TensorType } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { oneUse, op, type Rule, rule, value } from '../../src/rewrite/index.ts';
import { clampOf, composeClamps } from '../clamps.ts';

// clamp(producer(…)) == producer{clamp}(…), for a producer that nothing else uses
function intoProducer(name: string, producer: typeof add | typeof conv | typeof matmul): Rule {
  const root = op(clamp, { x: oneUse(value('x')) });
  return rule(`clamp-into-${name}`, root, ({ root: outer, x }, rewriter) => {
    const inner = x.op as Op | undefined;
    if (!inner || inner.definition !== producer || (x.type as TensorType).element !== 'f32') return undefined;
    const { min, max } = clamp.attributesOf(outer);
    const attributes = { ...inner.attributes, clamp: composeClamps(clampOf(inner), min, max) };
    return rewriter.createRaw(producer, inner.operands, attributes, { source: inner.source }).result;
  });
}

/** Relu, Relu6 and Clip become part of the op before them. */
export const fuseClamp = defineRewritePass({
  name: 'fuse-clamp',
  summary: 'Makes Relu and Clip part of the convolution, matrix product or addition before them.',
  phase: 'fuse',
  preserves: 'bits',
  rules: [intoProducer('conv', conv), intoProducer('matmul', matmul), intoProducer('add', add)],
});
