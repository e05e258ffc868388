import { prelu } from '../../../dialects/nn/binary.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { composing } from './composing.ts';

// prelu(x, a) == max(x, 0) + a·min(x, 0)
export const preluRule = rule(
  'prelu-as-clamps',
  op(prelu, { a: value('x'), b: value('slope') }),
  ({ root, x, slope }, rewriter) => {
    const c = composing(rewriter, root);
    const between = (min: number, max: number) => rewriter.create(clamp, { x }, { min, max }).result;
    return c.add(between(0, Number.POSITIVE_INFINITY), c.mul(between(Number.NEGATIVE_INFINITY, 0), slope));
  },
);
