import { defineRewritePass } from '../../src/pass/define.ts';
import { lstmCellRule } from '../schedule/decompose/lstmCell.ts';

/** In integers each value inside a recurrent cell has a scale of its own. */
export const expandCells = defineRewritePass({
  name: 'expand-cells',
  summary: 'Writes the cells of recurrent layers as functions of their gates, products and sums.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [lstmCellRule],
});
