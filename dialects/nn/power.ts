import { expressed, type OnnxNode, type TensorType, type Value } from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { power } from '../kernel/division.ts';
import { pairOf } from './alignment.ts';
import { type BinaryOp, binary, isFloatValue, mul } from './binary.ts';
import { cast } from './cast.ts';
import { reciprocal, sqrt } from './unary.ts';

/** Small constant exponents become what they mean. */
function buildPower(node: OnnxNode): Value {
  const { a: base, b: power } = pairOf(node);
  const exponent = node.constant(1);
  const simple =
    exponent && exponent.data.length === 1 && exponent.shape.length <= rankOf(base) && isFloatValue(base)
      ? simplePower(node, base, Number(exponent.data[0]))
      : undefined;
  if (simple) return simple;
  const element = expressed((base.type as TensorType).element);
  const same = expressed((power.type as TensorType).element) === element;
  const b = same ? power : node.create(cast, { x: power }, { to: element }).result;
  return node.create(pow, { a: base, b }).result;
}

const rankOf = (value: Value) => (value.type as TensorType).shape.length;

function simplePower(node: OnnxNode, x: Value, exponent: number): Value | undefined {
  if (exponent === 1) return x;
  if (exponent === 2) return node.create(mul, { a: x, b: x }).result;
  if (exponent === 0.5) return node.create(sqrt, { x }).result;
  if (exponent === -1) return node.create(reciprocal, { x }).result;
  if (exponent === -0.5) return node.create(reciprocal, { x: node.create(sqrt, { x }).result }).result;
  if (exponent === 3) return node.create(mul, { a: node.create(mul, { a: x, b: x }).result, b: x }).result;
  return undefined;
}

export const pow: BinaryOp = binary({
  name: 'pow',
  summary: 'y = a^b.',
  evaluate: {
    real: elementary.pow,
    int: elementary.pow,
    big: (a, b) => (b < 0n ? (a === 1n ? 1n : 0n) : a ** b),
  },
  body: power,
  onnx: () => [{ op: 'Pow', build: buildPower }],
  operator: 'Pow',
});
