import { registry as dialects } from '../../dialects/index.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { allPasses as passes } from '../../passes/index.ts';
import { attr, defineOp, Registry, type Value } from '../../src/ir/index.ts';
import { defineRewritePass, type Pass } from '../../src/pass/index.ts';
import { capture, op, rule, value } from '../../src/rewrite/index.ts';

/** An op that takes anything, for the text form's own tests. */
export const any = defineOp({
  name: 'test.any',
  summary: 'Any operands, attributes, results and regions.',
  operands: { xs: 'variadic' },
  attributes: { a: attr.any.optional(), b: attr.any.optional(), n: attr.float(2), axes: attr.ints([0, 1]) },
  results: 'variadic',
  regions: 'variadic',
});

/** An op without operands and results. */
export const barrier = defineOp({
  name: 'test.barrier',
  summary: 'Nothing.',
  operands: {},
  results: [],
  effect: 'writes',
});

// clamp(clamp(x, a, b), c, d) == clamp(x, max(a, c), min(b, d)) where the ranges overlap
const mergeClamps = rule(
  'merge-clamps',
  op(clamp, { x: capture('inner', op(clamp, { x: value('x') })) }),
  ({ root, inner, x }, rewriter): Value | undefined => {
    const [a, b] = [clamp.attributesOf(inner), clamp.attributesOf(root)];
    const [min, max] = [Math.max(a.min, b.min), Math.min(a.max, b.max)];
    return min <= max ? rewriter.create(clamp, { x }, { min, max }).result : undefined;
  },
);

const testPasses: readonly Pass[] = [
  defineRewritePass({
    name: 'test-merge-clamps',
    summary: 'Two clamps in a row become one.',
    phase: 'transform',
    preserves: 'bits',
    rules: [mergeClamps],
  }),
];

/** All ops, and those of these tests. */
export const registry: Registry = new Registry([...dialects.ops.values(), any, barrier]);

/** All passes, and those of these tests. */
export const allPasses: readonly Pass[] = [...passes, ...testPasses];
