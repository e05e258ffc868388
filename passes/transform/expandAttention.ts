import { defineRewritePass } from '../../src/pass/define.ts';
import { attentionRule } from '../schedule/decompose/attention.ts';

/** Where activations have calibrated ranges, the scores and the weights of attention have ranges of their own. */
export const expandAttention = defineRewritePass({
  name: 'expand-attention',
  summary: 'Writes attention as two matrix products and a softmax between, whose values can be observed.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [attentionRule],
});
