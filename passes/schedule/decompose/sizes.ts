import { concat } from '../../../dialects/nn/concat.ts';
import { range } from '../../../dialects/nn/range.ts';
import { shapeOf } from '../../../dialects/nn/shape.ts';
import type { Dim, TensorType, Value } from '../../../src/ir/index.ts';
import { op, type Rule, rule } from '../../../src/rewrite/index.ts';

// shape(x)[start..end] == concat(range(from size k, 1 element) for each axis k): what a run is told about its sizes
export const sizesRule: Rule = rule('shape-of-open-sizes', op(shapeOf), ({ root }, rewriter): Value[] | undefined => {
  const { start, end } = shapeOf.attributesOf(root);
  const sizes = (root.operand(0).type as TensorType).shape.slice(start, end) as Dim[];
  if (sizes.length === 0) return undefined;
  const parts = sizes.map(
    (size) => rewriter.create(range, {}, { start: [size], step: 1, size: [1], element: 'i64' }).result,
  );
  const [only] = parts;
  return [parts.length === 1 && only ? only : rewriter.create(concat, { xs: parts }, { axis: 0 }).result];
});
