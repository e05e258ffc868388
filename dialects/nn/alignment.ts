import type { Dim, OnnxNode, TensorType, Value } from '../../src/ir/index.ts';
import { normalAxis } from './axes.ts';
import { reshape } from './reshape.ts';

const shapeOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;

/** x with axes of size 1 behind its own, so that its first axis meets axis `at` of `rank`. */
function alignAt(node: OnnxNode, x: Value, at: number, rank: number): Value {
  const behind = rank - at - shapeOf(x).length;
  if (behind < 0) return node.refuse(`an operand of [${shapeOf(x).join(', ')}] at axis ${at}`);
  const shape = [...shapeOf(x), ...new Array<Dim>(behind).fill(1)];
  return behind === 0 ? x : node.create(reshape, { x }, { shape }).result;
}

/**
 * The two operands of an elementwise operator. Since version 7 they broadcast as in NumPy; before, only the second
 * one did, and an attribute said from which axis on.
 */
export function pairOf(node: OnnxNode): { a: Value; b: Value } {
  const [a, b] = [node.input(0), node.input(1)];
  if (node.opset >= 7 || node.int('broadcast', 0) === 0 || !node.hasAttribute('axis')) return { a, b };
  const rank = shapeOf(a).length;
  return { a, b: alignAt(node, b, normalAxis(node.int('axis'), rank), rank) };
}

/** Input and slope of PRelu; before version 7 a slope of one axis belongs to the channels. */
export function slopeOf(node: OnnxNode): { a: Value; b: Value } {
  const [a, b] = [node.input(0), node.input(1)];
  const perChannel = node.opset < 7 && shapeOf(b).length === 1 && shapeOf(b)[0] !== 1 && shapeOf(a).length > 1;
  return { a, b: perChannel ? alignAt(node, b, 1, shapeOf(a).length) : b };
}
