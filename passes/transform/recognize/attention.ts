import { attention } from '../../../dialects/nn/attention.ts';
import { add } from '../../../dialects/nn/binary.ts';
import { less } from '../../../dialects/nn/compare.ts';
import { concat } from '../../../dialects/nn/concat.ts';
import { expand } from '../../../dialects/nn/expand.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { reduceMax } from '../../../dialects/nn/reduce.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import { softmax } from '../../../dialects/nn/softmax.ts';
import { transpose } from '../../../dialects/nn/transpose.ts';
import { where } from '../../../dialects/nn/where.ts';
import { type Dim, mulDim, type Op, type Rewriter, type TensorType, type Value } from '../../../src/ir/index.ts';
import { defineRewritePass } from '../../../src/pass/define.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { withoutClamp } from '../../clamps.ts';
import { splatOf } from '../../constants.ts';
import { bothOrders, scaled } from './spelling.ts';

const shapeOf = (v: Value): readonly Dim[] => (v.type as TensorType).shape;
const isSame = (a: readonly Dim[], b: readonly Dim[]) => a.length === b.length && a.every((dim, i) => dim === b[i]);
const swapped = <T>(list: readonly T[]): T[] => [...list.slice(0, -2), ...list.slice(-2).toReversed()];

/** x and the product of all the constant factors of a value. */
function withoutFactors(v: Value): { x: Value; c: number } {
  const { x, c } = scaled(v);
  if (x === v || x.type !== v.type) return { x: v, c: 1 };
  const inner = withoutFactors(x);
  return { x: inner.x, c: inner.c * c };
}

function reshaped(rewriter: Rewriter, x: Value, shape: readonly Dim[]): Value {
  return isSame(shapeOf(x), shape) ? x : rewriter.create(reshape, { x }, { shape }).result;
}

/** Whether a reshape leaves the matrices of its operand as they are. */
const keepsMatrices = (root: Op) => isSame(shapeOf(root.result).slice(-2), shapeOf(root.operand(0)).slice(-2));

/** Whether a value is a transpose, perhaps times a constant and with other leading axes. */
function isTransposed(v: Value): boolean {
  const { x } = withoutFactors(v);
  return transpose.is(x.op) || (reshape.is(x.op) && keepsMatrices(x.op) && isTransposed(x.op.operand(0)));
}

/** The x whose matrices, transposed and times c, a value is: one of which `isTransposed` holds. */
function untransposed(v: Value, rewriter: Rewriter): { x: Value; c: number } {
  const { x: outer, c } = withoutFactors(v);
  if (!transpose.is(outer.op)) {
    const inner = untransposed((outer.op as Op).operand(0), rewriter);
    return { x: reshaped(rewriter, inner.x, swapped(shapeOf(outer))), c: inner.c * c };
  }
  const perm = swapped(transpose.attributesOf(outer.op).perm);
  const { x, c: below } = withoutFactors(outer.op.operand(0));
  const inOrder = perm.every((axis, i) => axis === i);
  return { x: inOrder ? x : rewriter.create(transpose, { x }, { perm }).result, c: below * c };
}

/** The x that an op repeats along axis −3, where it has size 1. */
function repeatedBy(root: Op | undefined): Value | undefined {
  if (expand.is(root)) return root.operand(0);
  if (!concat.is(root)) return undefined;
  const [first, ...others] = root.operands;
  const { axis } = concat.attributesOf(root);
  const along = axis === -3 || axis === shapeOf(root.result).length - 3;
  return along && others.every((x) => x === first) ? first : undefined;
}

/** Where each head of [..., H, N, D] stands several times, one after the other: the heads once, and how often. */
function groupsOf(v: Value): { x: Value; times: number } {
  let spread = v;
  while (reshape.is(spread.op)) spread = spread.op.operand(0);
  const once = repeatedBy(spread.op);
  const [to, times] = [shapeOf(spread), shapeOf(spread).at(-3)];
  if (!once || typeof times !== 'number' || !isSame(shapeOf(once), to.with(-3, 1))) return { x: v, times: 1 };
  const groups = [...to.slice(0, -3), ...to.slice(-2)];
  const isWhole = isSame(shapeOf(v), groups.with(-3, mulDim(groups.at(-3) as Dim, times)));
  const from = reshape.is(once.op) ? once.op.operand(0) : undefined;
  return isWhole && from && isSame(shapeOf(from), groups) ? { x: from, times } : { x: v, times: 1 };
}

const isProduct = (v: Value): boolean =>
  matmul.is(v.op) && v.op.operands[2] === undefined && withoutClamp(v.op) && v.uses.size === 1;

/** The matrix product whose multiple a value is, the factor, and what is added. */
function scoresOf(v: Value): { product: Op; c: number; bias: Value | undefined } | undefined {
  const sums = add.is(v.op) && withoutClamp(v.op) ? bothOrders(v.op) : [];
  for (const [term, bias] of [[v, undefined], ...sums] as const) {
    const { x, c } = withoutFactors(term);
    if (isProduct(x) && x.op && term.type === v.type) return { product: x.op, c, bias };
  }
  return undefined;
}

/** The softmax that weights are, and whether rows whose bias is −∞ everywhere are zeros: where(−∞ < max b, softmax, 0). */
function weightsOf(v: Value): { distribution: Op; open: Value | undefined } | undefined {
  if (v.uses.size > 1) return undefined;
  if (softmax.is(v.op)) return { distribution: v.op, open: undefined };
  if (!where.is(v.op)) return undefined;
  const [condition, inside, outside] = [v.op.operand(0), v.op.operand(1), v.op.operand(2)];
  const compared = less.is(condition.op) && splatOf(condition.op.operand(0)) === -Infinity;
  const top = compared ? condition.op?.operand(1).op : undefined;
  const last = reduceMax.is(top) ? shapeOf(top.operand(0)).length - 1 : -1;
  const alongLast = reduceMax.is(top) && reduceMax.attributesOf(top).axes.every((axis) => axis === last);
  if (!alongLast || splatOf(outside) !== 0 || !softmax.is(inside.op) || inside.uses.size > 1) return undefined;
  return inside.type === v.type ? { distribution: inside.op, open: top.operand(0) } : undefined;
}

// softmax(c·q·kᵀ + b)·v == attention(q, k, v, b), c at any place, keys and values of a group repeated for each query
const products = rule('attention-of-products', op(matmul), ({ root }, rewriter) => {
  const weights = root.operand(0);
  const known = root.operands[2] === undefined && withoutClamp(root) ? weightsOf(weights) : undefined;
  if (!known) return;
  const [rank, { axis }] = [shapeOf(weights).length, softmax.attributesOf(known.distribution)];
  const found = rank >= 3 && (axis === -1 || axis === rank - 1) ? scoresOf(known.distribution.operand(0)) : undefined;
  if (!found || (known.open && known.open !== found.bias)) return;
  const [left, right] = [found.product.operand(0), found.product.operand(1)];
  const values = root.operand(1);
  const heads = shapeOf(left).slice(0, -2);
  const fits = [right, values, weights].every((v) => isSame(shapeOf(v).slice(0, -2), heads));
  if (!fits || !isTransposed(right)) return;
  const query = withoutFactors(left);
  const key = untransposed(right, rewriter);
  const shared = [key.x, values].map(groupsOf);
  const agree = shared[0]?.times === shared[1]?.times;
  const [k, v] = agree ? shared.map(({ x }) => x) : [key.x, values];
  const operands = { query: query.x, key: k as Value, value: v as Value, ...(found.bias ? { bias: found.bias } : {}) };
  return rewriter.create(attention, operands, { scale: found.c * query.c * key.c, zeros: known.open !== undefined })
    .result;
});

/** Attention that a model spells out becomes one op, which reads keys and values as they are stored. */
export const recognizeAttention = defineRewritePass({
  name: 'recognize-attention',
  summary: 'Finds attention that is spelled out in products and a softmax; groups of queries share keys and values.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [products],
});
