import { add, div, mul, sub } from '../../../dialects/nn/binary.ts';
import { concat } from '../../../dialects/nn/concat.ts';
import { expand } from '../../../dialects/nn/expand.ts';
import { gather } from '../../../dialects/nn/gather.ts';
import { normalize } from '../../../dialects/nn/layerNorm.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import { slice } from '../../../dialects/nn/slice.ts';
import { transpose } from '../../../dialects/nn/transpose.ts';
import { type Dim, type Op, productOf, type TensorType, type Value } from '../../../src/ir/index.ts';
import { withoutClamp } from '../../clamps.ts';
import { splatOf } from '../../constants.ts';

/**
 * Where the channels of a result are in each operand, for ops that commute with a linear map on blocks of `block`
 * neighbouring channels; undefined for an operand that has none (indices, a factor for all).
 */
export type OperandAxes = readonly (number | undefined)[];

type Rule = (op: Op, axis: number, block: number) => OperandAxes | undefined;

/** What an op has to commute with: every linear map of a block's channels, or every permutation of them. */
export type MapKind = 'linear' | 'permutation';

/** @returns undefined where the op does not commute with every such map */
export function operandAxes(op: Op, axis: number, block: number, kind: MapKind = 'linear'): OperandAxes | undefined {
  if (kind === 'permutation' && op.definition.lower?.kind === 'elementwise') return sameChannels(op, axis);
  return withoutClamp(op) ? rules.get(op.definition)?.(op, axis, block) : undefined;
}

/** The axis of the result whose channels are those of an operand's axis. */
export function resultAxis(
  op: Op,
  operand: number,
  axis: number,
  block: number,
  kind: MapKind = 'linear',
): number | undefined {
  if (op.results.length !== 1 || op.result.type.kind !== 'tensor') return undefined;
  const axes = shapeOf(op.result).map((_, i) => i);
  return axes.findLast((at) => operandAxes(op, at, block, kind)?.[operand] === axis);
}

/** f(x∘P, c∘P) == f(x, c)∘P for a function of single elements; an operand may have one number for all channels. */
function sameChannels(op: Op, axis: number): OperandAxes {
  const { length } = shapeOf(op.result);
  return op.operands.map((value) => {
    const shape = value ? shapeOf(value) : [];
    const at = axis - length + shape.length;
    return at >= 0 && shape[at] === shapeOf(op.result)[axis] ? at : undefined;
  });
}

const shapeOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;
const isWhole = (size: Dim | undefined, block: number): boolean => typeof size === 'number' && size % block === 0;

/** (a + b)·Q == a·Q + b·Q where both have the channels. */
const sum: Rule = (op, axis) => {
  const axes = op.operands.map((value) => axis - shapeOf(op.result).length + shapeOf(value as Value).length);
  const whole = shapeOf(op.result)[axis];
  return axes.every((at, i) => at >= 0 && shapeOf(op.operand(i))[at] === whole) ? axes : undefined;
};

/** (c·x)·Q == c·(x·Q) for one number c. */
const scaled: Rule = (op, axis) => {
  const [a, b] = [op.operand(0), op.operand(1)];
  if (a.type === op.result.type && splatOf(b) !== undefined) return [axis, undefined];
  return b.type === op.result.type && splatOf(a) !== undefined && mul.is(op) ? [undefined, axis] : undefined;
};

/** What comes before and after the channels may be cut in any way. */
const reshaped: Rule = (op, axis, block) => {
  const [from, to] = [shapeOf(op.operand(0)), shapeOf(op.result)];
  const inner = productOf(to.slice(axis + 1));
  const at = from.findLastIndex((size, i) => size !== 1 && productOf(from.slice(i + 1)) === inner);
  return isWhole(from[at], block) && isWhole(to[axis], block) ? [at] : undefined;
};

const joined: Rule = (op, axis, block) => {
  if (op.operands.some((value) => !isWhole(shapeOf(value as Value)[axis], block))) return undefined;
  return op.operands.map(() => axis);
};

const repeated: Rule = (op, axis) => {
  const at = axis - shapeOf(op.result).length + shapeOf(op.operand(0)).length;
  return at >= 0 && shapeOf(op.operand(0))[at] === shapeOf(op.result)[axis] ? [at] : undefined;
};

const cut: Rule = (op, axis, block) => {
  const { starts, steps } = slice.attributesOf(op);
  const aligned = isWhole(starts[axis], block) && isWhole(shapeOf(op.result)[axis], block) && steps[axis] === 1;
  return aligned && isWhole(shapeOf(op.operand(0))[axis], block) ? [axis] : undefined;
};

const gathered: Rule = (op, axis) => {
  const rank = shapeOf(op.operand(0)).length;
  const at = (gather.attributesOf(op).axis + rank) % rank;
  const indices = shapeOf(op.operand(1)).length;
  if (axis < at) return [axis, undefined];
  return axis >= at + indices ? [axis - indices + 1, undefined] : undefined;
};

/** The length of a row does not change under an orthogonal map of the whole row, or of its blocks. */
const normalized: Rule = (op, axis) => {
  const last = shapeOf(op.result).length - 1;
  const from = normalize.attributesOf(op).axis;
  return axis === last && (from === -1 || from === last) ? [axis] : undefined;
};

const rules = new Map<Op['definition'], Rule>([
  [add, sum],
  [sub, sum],
  [mul, scaled],
  [div, scaled],
  [reshape, reshaped],
  [transpose, (op, axis) => [transpose.attributesOf(op).perm[axis]]],
  [concat, joined],
  [expand, repeated],
  [slice, cut],
  [gather, gathered],
  [normalize, normalized],
]);
