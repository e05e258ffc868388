import { add, mul, sub } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { expand } from '../../dialects/nn/expand.ts';
import { gather } from '../../dialects/nn/gather.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { pad } from '../../dialects/nn/pad.ts';
import { avgPool, maxPool } from '../../dialects/nn/pool.ts';
import { reduceMean } from '../../dialects/nn/reduce.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { resizeNearest } from '../../dialects/nn/resize.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import * as unary from '../../dialects/nn/unary.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import type { Op, OpDefinition, TensorType, Value } from '../../src/ir/index.ts';
import { constantOf, floatConstantOf } from '../constants.ts';
import { tableFunctionOf } from '../integer/unaryTables.ts';
import { isStoredMatrix } from '../storedMatrix.ts';

const moves: ReadonlySet<OpDefinition> = new Set<OpDefinition>([
  transpose,
  reshape,
  pad,
  slice,
  expand,
  gather,
  resizeNearest,
  maxPool,
  observeWindows,
]);
const sumsAndProducts: ReadonlySet<OpDefinition> = new Set<OpDefinition>([add, sub, mul]);

/** Functions whose results span many magnitudes, or magnify small values: 8-bit codes would keep the largest alone. */
const widensRange: ReadonlySet<OpDefinition> = new Set<OpDefinition>([
  ...[unary.exp, unary.log, unary.sqrt, unary.reciprocal, unary.sin, unary.cos, unary.tan, unary.sinh, unary.cosh],
  ...[unary.asin, unary.acos, unary.atan, unary.asinh, unary.acosh, unary.atanh],
]);

const isSquare = (op: Op) => op.definition === mul && op.operand(0) === op.operand(1);

/** Whether a value is a tensor of f32. */
export function isFloat32(value: Value | undefined): boolean {
  const type = value?.type;
  return type?.kind === 'tensor' && type.element === 'f32';
}

/** Whether an op's result holds elements of operand 0, so that both have one type. */
export function isMove(op: Op): boolean {
  return moves.has(op.definition);
}

/** Whether an op is a sum of products that `integer/` computes on codes: worth being quantized for its own sake. */
export function isContraction(op: Op): boolean {
  if (!isFloat32(op.results[0]) || (op.operands[2] && !floatConstantOf(op.operands[2]))) return false;
  if (op.definition === conv) return floatConstantOf(op.operands[1]) !== undefined;
  if (op.definition !== matmul || isStoredMatrix(op.operands[1])) return false;
  return op.operands.slice(0, 2).every((v) => ((v as Value).type as TensorType).shape.length >= 2);
}

/** Whether `integer/` can compute an op on codes, and 8 bits can hold what it gives. */
export function isQuantizable(op: Op): boolean {
  if (!isFloat32(op.results[0]) || op.results.length !== 1 || !isFloat32(op.operands[0])) return false;
  if (widensRange.has(op.definition) || isSquare(op)) return false;
  if (isContraction(op) || isMove(op) || op.definition === concat || op.definition === clamp) return true;
  if (sumsAndProducts.has(op.definition)) return !constantOf(op.operand(0)) || !constantOf(op.operand(1));
  if (op.definition === reduceMean) return hasKnownShape(op.operand(0));
  if (op.definition === avgPool) {
    const dilations = avgPool.attributesOf(op).dilations ?? [];
    return hasKnownShape(op.operand(0)) && dilations.every((d) => d === 1);
  }
  return tableFunctionOf(op) !== undefined;
}

/** How many cells go into a mean decides its multiplier. */
function hasKnownShape(value: Value): boolean {
  return (value.type as TensorType).shape.slice(1).every((dim) => typeof dim === 'number');
}

/** Operands that carry activations or constants to be quantized like activations; not weights, bias or indices. */
export function activationOperands(op: Op): number[] {
  if (op.definition === conv) return [0];
  if (op.definition === matmul) return floatConstantOf(op.operands[1]) ? [0] : [0, 1];
  return isMove(op) ? [0] : op.operands.map((_, i) => i);
}
