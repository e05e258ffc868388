import { batchNorm } from '../../../dialects/nn/batchNorm.ts';
import { add, mul, sub } from '../../../dialects/nn/binary.ts';
import { expand } from '../../../dialects/nn/expand.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import { softmax } from '../../../dialects/nn/softmax.ts';
import { transpose } from '../../../dialects/nn/transpose.ts';
import { trilu } from '../../../dialects/nn/trilu.ts';
import { reciprocal, sqrt } from '../../../dialects/nn/unary.ts';
import { where } from '../../../dialects/nn/where.ts';
import type { Rewriter, TensorType, Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { typedArrayOf } from '../../../src/support/tensor.ts';
import { createConstant, createFloats } from '../../constants.ts';
import { shapeOf } from './axes.ts';

const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** A vector of one number for each channel, beside a tensor with `rank` axes. */
function besideChannels(rewriter: Rewriter, vector: Value, rank: number): Value {
  const shape = [shapeOf(vector)[0] as number, ...new Array<number>(rank - 2).fill(1)];
  return rewriter.create(reshape, { x: vector }, { shape }).result;
}

/** Ops that say the same as a few of the core. */
export const arithmeticRules = [
  // softmax{axis}(x) == transpose(softmax{last}(transpose(x)))
  rule('softmax-of-last-axis', op(softmax), ({ root }, rewriter) => {
    const x = root.operand(0);
    const last = shapeOf(x).length - 1;
    const { axis } = softmax.attributesOf(root);
    const at = axis < 0 ? axis + last + 1 : axis;
    if (at === last) return undefined;
    const perm = Array.from({ length: last + 1 }, (_, a) => (a === at ? last : a === last ? at : a));
    const swapped = rewriter.create(transpose, { x }, { perm }).result;
    const rows = rewriter.create(softmax, { x: swapped }, { axis: last }).result;
    return rewriter.create(transpose, { x: rows }, { perm }).result;
  }),
  // batch_norm(x) == (x − mean)·(1 / √(variance + epsilon)·scale) + bias
  rule('batch-norm-as-arithmetic', op(batchNorm), ({ root }, rewriter) => {
    const [x, scale, bias, mean, variance] = root.operands as [Value, Value, Value, Value, Value];
    const rank = shapeOf(x).length;
    const epsilon = createFloats(rewriter, `${root.source}.epsilon`, [1], [batchNorm.attributesOf(root).epsilon]);
    const deviation = rewriter.create(sqrt, { x: rewriter.create(add, { a: variance, b: epsilon }).result }).result;
    const factor = rewriter.create(mul, {
      a: rewriter.create(reciprocal, { x: deviation }).result,
      b: scale,
    }).result;
    const centred = rewriter.create(sub, { a: x, b: besideChannels(rewriter, mean, rank) }).result;
    const scaled = rewriter.create(mul, { a: centred, b: besideChannels(rewriter, factor, rank) }).result;
    return rewriter.create(add, { a: scaled, b: besideChannels(rewriter, bias, rank) }).result;
  }),
  // trilu(x) == where(mask, x, 0)
  rule('trilu-as-where', op(trilu), ({ root }, rewriter) => {
    const x = root.operand(0);
    const { element } = x.type as TensorType;
    if (typeof element !== 'string' || element === 'i1') return undefined;
    const { k, upper } = trilu.attributesOf(root);
    const shape = shapeOf(x).slice(-2);
    const columns = shape[1] as number;
    const kept = Uint8Array.from({ length: count(shape) }, (_, i) => {
      const diagonal = (i % columns) - Math.floor(i / columns);
      return (upper ? diagonal >= k : diagonal <= k) ? 1 : 0;
    });
    const condition = createConstant(rewriter, `${root.source}.triangle`, { dtype: 'i1', shape, data: kept });
    const dtype = element as 'f32';
    const data = new (typedArrayOf(dtype))(1);
    const zero = createConstant(rewriter, `${root.source}.zero`, { dtype, shape: [], data });
    return rewriter.create(where, { condition, a: x, b: zero }).result;
  }),
  // matmul(a, b) == matmul(expand(a), expand(b)) where each has batch axes that the other repeats
  rule('matmul-of-equal-batches', op(matmul), ({ root }, rewriter) => {
    const [a, b] = [root.operand(0), root.operand(1)];
    const batch = shapeOf(root.result).slice(0, -2);
    const [left, right] = [shapeOf(a), shapeOf(b)];
    const sizes = [left, right].map((shape) => count(shape.slice(0, -2))) as [number, number];
    if (sizes.includes(1) || sizes.every((size) => size === count(batch))) return undefined;
    const whole = (x: Value, shape: readonly number[]): Value =>
      count(shape.slice(0, -2)) === count(batch)
        ? x
        : rewriter.create(expand, { x }, { shape: [...batch, ...shape.slice(-2)] }).result;
    rewriter.setOperand(root, 0, whole(a, left));
    rewriter.setOperand(root, 1, whole(b, right));
    return true;
  }),
];
