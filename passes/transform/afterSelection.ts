import { add, mul } from '../../dialects/nn/binary.ts';
import { gather } from '../../dialects/nn/gather.ts';
import type { Op, Rewriter, TensorType, Value } from '../../src/ir/index.ts';
import { op, type Rule, rule, value } from '../../src/rewrite/index.ts';
import { withoutClamp } from '../clamps.ts';
import { constantOf, floatConstantOf } from '../constants.ts';

/** Whether the indices are constant and no more than there are places, so that a selection is no larger than what it is of. */
function isNarrower({ x, indices }: { readonly x: Value; readonly indices: Value }, axis: number): boolean {
  const count = constantOf(indices)?.data.length;
  const size = (x.type as TensorType).shape[axis];
  return count !== undefined && typeof size === 'number' && count <= size;
}

/** The value and the constant of a sum or product that only `selection` reads, the constant having the last axis alone. */
function affine(selected: Value): { readonly made: Op; readonly x: Value; readonly c: Value } | undefined {
  const made = selected.op;
  if ((!mul.is(made) && !add.is(made)) || !withoutClamp(made) || selected.uses.size !== 1) return undefined;
  const sides: readonly [Value, Value][] = [
    [made.operand(0), made.operand(1)],
    [made.operand(1), made.operand(0)],
  ];
  const found = sides.find(
    ([x, c]) => x.type === selected.type && floatConstantOf(c) && (c.type as TensorType).shape.length <= 1,
  );
  return found && { made, x: found[0], c: found[1] };
}

/** Rows are selected before what is affine a channel, which then joins the layers that read them. */
export const afterSelection: readonly Rule[] = [
  // (x∘c)[i] == x[i]∘c, (x + c)[i] == x[i] + c
  rule('affine-after-gather', op(gather, { x: value('x'), indices: value('indices') }), (found, rewriter: Rewriter) => {
    const { root, x, indices } = found;
    const rank = (x.type as TensorType).shape.length;
    const { axis } = gather.attributesOf(root);
    const at = axis < 0 ? axis + rank : axis;
    const behind = at < rank - 1 && isNarrower({ x, indices }, at) ? affine(x) : undefined;
    if (!behind) return undefined;
    const rows = rewriter.create(gather, { x: behind.x, indices }, { axis }).result;
    const { definition, attributes, source } = behind.made;
    return rewriter.createRaw(definition, [rows, behind.c], attributes, { source }).result;
  }),
];
