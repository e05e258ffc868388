import { attention, headsPerGroup } from '../../../dialects/nn/attention.ts';
import { probabilities } from '../../../dialects/nn/composed/attention.ts';
import { type Compose, type OpMaker, shapeOf } from '../../../dialects/nn/composed/compose.ts';
import { transpose } from '../../../dialects/nn/transpose.ts';
import { type Dim, mulDim, type Value } from '../../../src/ir/index.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { composing } from './composing.ts';

/** The matrices of a value transposed: one transpose for that and for the one that makes the value. */
function transposed(c: Compose<OpMaker>, x: Value): Value {
  const { op: made } = x;
  const perm = transpose.is(made) ? transpose.attributesOf(made).perm : shapeOf(x).map((_, axis) => axis);
  return c.transpose(transpose.is(made) ? made.operand(0) : x, [...perm.slice(0, -2), ...perm.slice(-2).toReversed()]);
}

// attention(q, k, v, bias) == softmax(scale·q·kᵀ + bias)·v; queries that share keys are rows of one product
export const attentionRule = rule(
  'attention-as-products',
  op(attention, { query: value('query'), key: value('key'), value: value('values') }),
  ({ root, query, key, values }, rewriter) => {
    const { scale, zeros } = attention.attributesOf(root);
    const c = composing(rewriter, root);
    const [shape, last] = [shapeOf(query), shapeOf(query).length - 1];
    const times = headsPerGroup(shape, shapeOf(key)) as number;
    const [rows, keys] = [shape[last - 1], shapeOf(key)[last - 1]] as [Dim, Dim];
    const groups = shapeOf(key).slice(0, -2);
    const together = (x: Value) => c.reshape(x, [...groups, mulDim(times, rows), shapeOf(x)[last] as Dim]);
    const apart = (x: Value) => c.reshape(x, [...shape.slice(0, -1), shapeOf(x)[last] as Dim]);
    const scaled = scale === 1 ? query : c.mul(query, c.scalar(scale, query));
    const scores = apart(c.matmul(together(scaled), transposed(c, key)));
    const bias = root.operands[3];
    const weights = zeros ? probabilities(c, scores, bias) : c.softmax(bias ? c.add(scores, bias) : scores, last);
    return apart(c.matmul(c.reshape(weights, [...groups, mulDim(times, rows), keys]), values));
  },
);
