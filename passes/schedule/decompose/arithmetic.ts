import { batchNorm } from '../../../dialects/nn/batchNorm.ts';
import { add, mul, sub } from '../../../dialects/nn/binary.ts';
import { lessOrEqual } from '../../../dialects/nn/compare.ts';
import { expand } from '../../../dialects/nn/expand.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { range } from '../../../dialects/nn/range.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import { softmax } from '../../../dialects/nn/softmax.ts';
import { transpose } from '../../../dialects/nn/transpose.ts';
import { trilu } from '../../../dialects/nn/trilu.ts';
import { reciprocal, sqrt } from '../../../dialects/nn/unary.ts';
import { where } from '../../../dialects/nn/where.ts';
import { type Dim, productOf, type Rewriter, type TensorType, type Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { typedArrayOf } from '../../../src/support/tensor.ts';
import { createConstant, createFloats } from '../../constants.ts';
import { shapeOf } from './axes.ts';

const dimsOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;

/** Which places of a matrix lie on the kept side of diagonal k: a constant, or computed where sizes are not known. */
function triangle(
  rewriter: Rewriter,
  name: string,
  [rows, columns]: readonly [Dim, Dim],
  { k, upper }: { k: number; upper: boolean },
): Value {
  if (typeof rows === 'number' && typeof columns === 'number') {
    const data = Uint8Array.from({ length: rows * columns }, (_, i) => {
      const diagonal = (i % columns) - Math.floor(i / columns);
      return (upper ? diagonal >= k : diagonal <= k) ? 1 : 0;
    });
    return createConstant(rewriter, `${name}.triangle`, { dtype: 'i1', shape: [rows, columns], data });
  }
  const along = (size: Dim, start: number, shape: readonly Dim[]): Value => {
    const numbers = rewriter.create(range, {}, { start: [start], step: 1, size: [size], element: 'i32' }).result;
    return rewriter.create(reshape, { x: numbers }, { shape: [...shape] }).result;
  };
  const [row, column] = [along(rows, k, [rows, 1]), along(columns, 0, [1, columns])];
  const operands = upper ? { a: row, b: column } : { a: column, b: row };
  return rewriter.create(lessOrEqual, operands).result;
}

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
    const last = dimsOf(x).length - 1;
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
    const condition = triangle(rewriter, root.source, dimsOf(x).slice(-2) as [Dim, Dim], { k, upper });
    const dtype = element as 'f32';
    const data = new (typedArrayOf(dtype))(1);
    const zero = createConstant(rewriter, `${root.source}.zero`, { dtype, shape: [], data });
    return rewriter.create(where, { condition, a: x, b: zero }).result;
  }),
  // matmul(a, b) == matmul(expand(a), expand(b)) where each has batch axes that the other repeats
  rule('matmul-of-equal-batches', op(matmul), ({ root }, rewriter) => {
    const [a, b] = [root.operand(0), root.operand(1)];
    const batch = dimsOf(root.result).slice(0, -2);
    const [left, right] = [dimsOf(a), dimsOf(b)];
    const sizes = [left, right].map((shape) => productOf(shape.slice(0, -2)));
    if (sizes.includes(1) || sizes.every((size) => size === productOf(batch))) return undefined;
    const whole = (x: Value, shape: readonly Dim[]): Value =>
      productOf(shape.slice(0, -2)) === productOf(batch)
        ? x
        : rewriter.create(expand, { x }, { shape: [...batch, ...shape.slice(-2)] }).result;
    rewriter.setOperand(root, 0, whole(a, left));
    rewriter.setOperand(root, 1, whole(b, right));
    return true;
  }),
];
