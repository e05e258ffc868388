import { defineRewritePass } from '../../src/pass/define.ts';
import { lstmCellRule } from '../schedule/decompose/lstmCell.ts';
import { rotaryRule } from '../schedule/decompose/rotary.ts';

/** In integers each value inside such an op has a scale of its own. */
export const expandComposed = defineRewritePass({
  name: 'expand-composed',
  summary: 'Writes the cells of recurrent layers and rotary embeddings as products, sums and functions.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [lstmCellRule, rotaryRule],
});
