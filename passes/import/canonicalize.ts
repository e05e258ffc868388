import { div, mul, sub } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { expand } from '../../dialects/nn/expand.ts';
import { pad } from '../../dialects/nn/pad.ts';
import { avgPool } from '../../dialects/nn/pool.ts';
import { reduceMean } from '../../dialects/nn/reduce.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import { where } from '../../dialects/nn/where.ts';
import type { Op, TensorType, TypedOp, Value } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { capture, op, type Rule, rule, value } from '../../src/rewrite/index.ts';
import { composeClamps } from '../clamps.ts';
import { constantOf, splatOf } from '../constants.ts';

type Unary = TypedOp<{ readonly x: 'required' }, Record<never, never>>;

// f(x) == x, where f changes neither shape nor order nor type
function identity(name: string, definition: unknown, holds: (root: Op) => boolean): Rule {
  return rule(name, op(definition as Unary, { x: value('x') }), ({ root, x }) =>
    root.result.type === x.type && holds(root) ? x : undefined,
  );
}

const inOrder = (perm: readonly number[]) => perm.every((axis, i) => axis === i);

// a∘1 == a for products, quotients and differences with the neutral constant (a + 0 is not a where a is −0)
function neutral(name: string, definition: typeof mul, constant: number): Rule {
  return rule(name, op(definition, { a: value('a'), b: value('b') }), ({ root, a, b }) =>
    splatOf(b) === constant && root.result.type === a.type ? a : undefined,
  );
}

// clamp(clamp(x, a, b), c, d) == clamp(x, clamp(a, c, d), clamp(b, c, d))
const clampOfClamp = rule(
  'clamp-of-clamp',
  op(clamp, { x: capture('inner', op(clamp)) }),
  ({ root, inner }, rewriter) => {
    if ((inner.result.type as TensorType).element !== 'f32') return undefined;
    const [first, second] = [clamp.attributesOf(inner), clamp.attributesOf(root)];
    const [min, max] = composeClamps([first.min, first.max], second.min, second.max);
    return rewriter.create(clamp, { x: inner.operand(0) }, { min, max }, { types: [root.result.type] }).result;
  },
);

// transpose(transpose(x, p), q) == transpose(x, p∘q)
const transposeOfTranspose = rule(
  'transpose-of-transpose',
  op(transpose, { x: capture('inner', op(transpose)) }),
  ({ root, inner }, rewriter) => {
    const first = transpose.attributesOf(inner).perm;
    const perm = transpose.attributesOf(root).perm.map((axis) => first[axis] as number);
    return rewriter.create(transpose, { x: inner.operand(0) }, { perm }).result;
  },
);

// reshape(reshape(x)) == reshape(x)
const reshapeOfReshape = rule(
  'reshape-of-reshape',
  op(reshape, { x: capture('inner', op(reshape)) }),
  ({ root, inner }, rewriter) => {
    return rewriter.create(reshape, { x: inner.operand(0) }, root.attributes, { types: [root.result.type] }).result;
  },
);

// conv(pad(x, p), q) == conv(x, p + q), for spatial padding with zeros
const padIntoConv = rule(
  'pad-into-conv',
  op(conv, { x: capture('padding', op(pad)) }),
  ({ root, padding }, rewriter) => {
    const { pads, value: fill, mode } = pad.attributesOf(padding);
    const rank = pads.length / 2;
    const outside = [pads[0], pads[1], pads[rank], pads[rank + 1]];
    if (mode !== 'constant' || fill !== 0 || outside.some((p) => p !== 0)) return undefined;
    const added = [...pads.slice(2, rank), ...pads.slice(rank + 2)];
    const own = conv.attributesOf(root).pads;
    const attributes = { ...root.attributes, pads: added.map((p, i) => p + (own[i] ?? 0)) };
    const operands = [padding.operand(0), ...root.operands.slice(1)];
    return rewriter.createRaw(conv, operands, attributes, { types: [root.result.type] }).result;
  },
);

// avg_pool(x) == reduce_mean(x) over the spatial axes, where the one window is the whole plane
const poolToMean = rule('pool-to-mean', op(avgPool, { x: value('x') }), ({ root, x }, rewriter) => {
  const { kernel, pads } = avgPool.attributesOf(root);
  const { shape } = x.type as TensorType;
  const whole = kernel.every((size, i) => size === shape[i + 2]) && pads.every((p) => p === 0);
  const axes = kernel.map((_, i) => i + 2);
  return whole
    ? rewriter.create(reduceMean, { x }, { axes, keepdims: true }, { types: [root.result.type] }).result
    : undefined;
});

// where(true, a, b) == a
const whereTrue = rule(
  'where-true',
  op(where, { condition: value('condition'), a: value('a') }),
  ({ root, condition, a }) => {
    const holds = (constantOf(condition)?.data as Uint8Array | undefined)?.every((c) => c !== 0);
    return holds && root.result.type === a.type ? a : undefined;
  },
);

// concat(x) == x
const concatOfOne = rule('concat-of-one', op(concat), ({ root }): Value | undefined =>
  root.operands.length === 1 ? root.operand(0) : undefined,
);

/** Simpler spellings of the same program. */
export const canonicalize = defineRewritePass({
  name: 'canonicalize',
  summary: 'Removes operations that do nothing, and brings others to their simplest form.',
  phase: 'import',
  preserves: 'bits',
  rules: [
    identity('clamp-of-all', clamp, (root) => {
      const { min, max } = clamp.attributesOf(root);
      return min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY;
    }),
    identity('transpose-in-order', transpose, (root) => inOrder(transpose.attributesOf(root).perm)),
    identity('reshape-to-same', reshape, () => true),
    identity('expand-to-same', expand, () => true),
    identity('slice-of-all', slice, (root) => slice.attributesOf(root).steps.every((step) => step === 1)),
    identity('pad-nothing', pad, () => true),
    neutral('mul-by-one', mul, 1),
    neutral('div-by-one', div, 1),
    neutral('sub-zero', sub, 0),
    clampOfClamp,
    transposeOfTranspose,
    reshapeOfReshape,
    padIntoConv,
    poolToMean,
    concatOfOne,
    whereTrue,
  ],
});
