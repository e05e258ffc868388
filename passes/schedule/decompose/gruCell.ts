import { gruCell } from '../../../dialects/nn/gruCell.ts';
import { sigmoid, tanh } from '../../../dialects/nn/unary.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { composing } from './composing.ts';

// gru_cell(z, n, h) == tanh(n) + σ(z)∘(h − tanh(n))
export const gruCellRule = rule(
  'gru-cell-as-products',
  op(gruCell, { update: value('update'), candidate: value('candidate'), h: value('before') }),
  ({ root, update, candidate, before }, rewriter) => {
    const c = composing(rewriter, root);
    const next = c.apply(tanh, candidate);
    return c.add(next, c.mul(c.apply(sigmoid, update), c.sub(before, next)));
  },
);
