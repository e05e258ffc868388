import { lstmCell } from '../../../dialects/nn/lstmCell.ts';
import { sigmoid, tanh } from '../../../dialects/nn/unary.ts';
import type { Value } from '../../../src/ir/index.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { shapeOf } from './axes.ts';
import { composing } from './composing.ts';

// lstm_cell(gates, c) == (σ(o)∘tanh(c'), c'), c' = σ(f)∘c + σ(i)∘tanh(g)
export const lstmCellRule = rule(
  'lstm-cell-as-products',
  op(lstmCell, { gates: value('gates'), c: value('before') }),
  ({ root, gates, before }, rewriter) => {
    const c = composing(rewriter, root);
    const hidden = shapeOf(before)[1] as number;
    const gate = (i: number): Value => c.slice(gates, 1, i * hidden, hidden);
    const [input, output, forget] = [0, 1, 2].map((i) => c.apply(sigmoid, gate(i))) as [Value, Value, Value];
    const cell = c.add(c.mul(forget, before), c.mul(input, c.apply(tanh, gate(3))));
    return [c.mul(output, c.apply(tanh, cell)), cell];
  },
);
