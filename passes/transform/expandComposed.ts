import { defineRewritePass } from '../../src/pass/define.ts';
import { angleRule } from '../schedule/decompose/angles.ts';
import { gruCellRule } from '../schedule/decompose/gruCell.ts';
import { lstmCellRule } from '../schedule/decompose/lstmCell.ts';
import { preluRule } from '../schedule/decompose/prelu.ts';
import { resizeRules } from '../schedule/decompose/resize.ts';
import { rotaryRule } from '../schedule/decompose/rotary.ts';

/** In integers each value inside such an op has a scale of its own. */
export const expandComposed = defineRewritePass({
  name: 'expand-composed',
  summary: 'Writes recurrent cells, rotary embeddings, resizes and PReLU as products, sums, functions and gathers.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [lstmCellRule, gruCellRule, rotaryRule, angleRule, preluRule, ...resizeRules],
});
