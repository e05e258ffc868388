import {
  type AttributeSpecs,
  attr,
  type BodyBuilder,
  defineOp,
  isFloat,
  type OnnxMapping,
  type OnnxNode,
  type TensorType,
  type TypedOp,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { divide, extremum, floorRest, like, rest } from '../kernel/division.ts';
import { pairOf, slopeOf } from './alignment.ts';
import { broadcastAll, commonElement, elementwiseType } from './broadcast.ts';
import { fromNumbers, isBig, isReal, toF64 } from './elements.ts';

/** A function of two elements: of reals, of integers up to 32 bits, of 64-bit integers. */
interface BinaryFunction {
  readonly real: (a: number, b: number) => number;
  readonly int: (a: number, b: number) => number;
  readonly big: (a: bigint, b: bigint) => bigint;
}

export type BinaryOperands = { readonly a: 'required'; readonly b: 'required' };
export type BinaryOp = TypedOp<BinaryOperands, Record<never, never>>;

/** f on two tensors, broadcast; integers wrap in their own type. */
export function evaluateBinary(a: HostTensor, b: HostTensor, f: BinaryFunction): HostTensor {
  const { shape, operands } = broadcastAll([a, b]);
  const [left, right] = operands as [HostTensor, HostTensor];
  if (isBig(a.dtype)) {
    const [x, y] = [left.data as BigInt64Array, right.data as BigInt64Array];
    return { dtype: a.dtype, shape, data: x.map((v, i) => f.big(v, y[i] as bigint)) };
  }
  const [x, y] = [toF64(left), toF64(right)];
  const apply = isReal(a.dtype) ? f.real : f.int;
  const values = new Float64Array(x.length);
  for (let i = 0; i < values.length; i++) values[i] = apply(x[i] as number, y[i] as number);
  return fromNumbers(a.dtype, shape, values);
}

interface BinarySpec {
  readonly name: string;
  readonly summary: string;
  readonly evaluate: BinaryFunction;
  readonly body?: (k: BodyBuilder, a: Value, b: Value) => Value;
  readonly onnx: (op: BinaryOp) => readonly OnnxMapping[];
  /** The ONNX operator that it is written as. */
  readonly operator?: string;
}

/** Declares an elementwise op of two operands. */
export function binary({ name, summary, evaluate, body, onnx, operator }: BinarySpec): BinaryOp {
  const mappings: OnnxMapping[] = [];
  const op: BinaryOp = defineOp({
    name: `nn.${name}`,
    summary,
    operands: { a: 'required', b: 'required' },
    attributes: {},
    infer: ({ a, b }) => elementwiseType([a, b], commonElement([a, b])),
    evaluate: ({ a, b }) => evaluateBinary(a, b, evaluate),
    ...(body ? { lower: { kind: 'elementwise', body: (k, [a, b]): Value => body(k, a as Value, b as Value) } } : {}),
    onnx: mappings,
    ...(operator ? { toOnnx: (writer, { a, b }): string => writer.node(operator, [a, b]) } : {}),
  });
  mappings.push(...onnx(op));
  return op;
}

const both = (op: BinaryOp, operator: string): OnnxMapping => ({
  op: operator,
  build: (node): Value => node.create(op, pairOf(node)).result,
});

/** An operator with any number of inputs, combined from the left. */
const many = <A extends AttributeSpecs>(op: TypedOp<BinaryOperands, A>, operator: string): OnnxMapping => ({
  op: operator,
  build: (node): Value => combine(node, op),
});

function combine<A extends AttributeSpecs>(node: OnnxNode, op: TypedOp<BinaryOperands, A>): Value {
  let total = node.input(0);
  for (let i = 1; i < node.inputCount; i++) total = node.create(op, { a: total, b: node.input(i) }).result;
  return total;
}

const addition: BinaryFunction = { real: (a, b) => a + b, int: (a, b) => a + b, big: (a, b) => a + b };

export const add: TypedOp<BinaryOperands, { readonly clamp: ReturnType<typeof attr.floats> }> = defineOp({
  name: 'nn.add',
  summary: 'y = a + b, clamped.',
  operands: { a: 'required', b: 'required' },
  attributes: { clamp: attr.floats([-Infinity, Infinity]) },
  infer: ({ a, b }) => elementwiseType([a, b], commonElement([a, b])),
  verify: (_, { clamp }) => verifyClamp(clamp),
  evaluate({ a, b }, { clamp: [lo, hi] }) {
    const sum = evaluateBinary(a, b, addition);
    if (sum.data instanceof Float64Array) clampInPlace(sum.data, lo as number, hi as number);
    return sum;
  },
  lower: {
    kind: 'elementwise',
    body(k, [a, b], op): Value {
      const { clamp } = add.attributesOf(op);
      return clampBody(k, k.add(a as Value, b as Value), clamp);
    },
  },
  onnx: [
    {
      op: 'Add',
      build: (node): Value => node.create(add, pairOf(node)).result,
    },
    { op: 'Sum', build: (node): Value => combine(node, add) },
  ],
  toOnnx: (writer, { a, b }, { clamp }, op) =>
    writer.clip(writer.node('Add', [a, b]), clamp, op.result.type as TensorType),
});

/** Refuses a clamp that is no [lo, hi] with lo ≤ hi. @throws QcError */
export function verifyClamp(clamp: readonly number[]): void {
  const [lo, hi] = clamp;
  if (clamp.length === 2 && (lo as number) <= (hi as number)) return;
  throw new QcError({ what: `clamp = [${clamp.join(', ')}] is no range`, why: 'it must be [low, high], low ≤ high' });
}

/** min(max(x, lo), hi) on f64; a NaN stays. */
export function clampInPlace(data: Float64Array, lo: number, hi: number): void {
  if (lo === -Infinity && hi === Infinity) return;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (v < lo) data[i] = lo;
    else if (v > hi) data[i] = hi;
  }
}

/** The kernel arithmetic of a clamp. */
export function clampBody(k: BodyBuilder, x: Value, clamp: readonly number[]): Value {
  const [lo = -Infinity, hi = Infinity] = clamp;
  let y = x;
  if (lo > -Infinity) y = extremum(k, 'max', y, like(k, lo, y));
  if (hi < Infinity) y = extremum(k, 'min', y, like(k, hi, y));
  return y;
}

export const sub: BinaryOp = binary({
  name: 'sub',
  summary: 'y = a − b.',
  evaluate: { real: (a, b) => a - b, int: (a, b) => a - b, big: (a, b) => a - b },
  body: (k, a, b) => k.sub(a, b),
  onnx: (op) => [both(op, 'Sub')],
  operator: 'Sub',
});

export const mul: BinaryOp = binary({
  name: 'mul',
  summary: 'y = a · b.',
  evaluate: { real: (a, b) => a * b, int: Math.imul, big: (a, b) => a * b },
  body: (k, a, b) => k.mul(a, b),
  onnx: (op) => [both(op, 'Mul')],
  operator: 'Mul',
});

function nonZero<T>(divisor: T): T {
  if (divisor) return divisor;
  throw new QcError({ what: 'an integer is divided by zero', help: 'check the inputs of the model' });
}

export const div: BinaryOp = binary({
  name: 'div',
  summary: 'y = a / b; integers truncate toward zero.',
  evaluate: { real: (a, b) => a / b, int: (a, b) => Math.trunc(a / nonZero(b)), big: (a, b) => a / nonZero(b) },
  body: divide,
  onnx: (op) => [both(op, 'Div')],
  operator: 'Div',
});

const lesser = (a: number, b: number) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a < b ? a : b);
const greater = (a: number, b: number) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a > b ? a : b);

export const min: BinaryOp = binary({
  name: 'min',
  summary: 'y = min(a, b); a NaN stays NaN.',
  evaluate: { real: lesser, int: lesser, big: (a, b) => (a < b ? a : b) },
  body: (k, a, b) => extremum(k, 'min', a, b),
  onnx: (op) => [many(op, 'Min')],
  operator: 'Min',
});

export const max: BinaryOp = binary({
  name: 'max',
  summary: 'y = max(a, b); a NaN stays NaN.',
  evaluate: { real: greater, int: greater, big: (a, b) => (a > b ? a : b) },
  body: (k, a, b) => extremum(k, 'max', a, b),
  onnx: (op) => [many(op, 'Max')],
  operator: 'Max',
});

/** Sign of the divisor, as in Python; the sign of the dividend with `fmod`. */
const floorMod = (a: number, b: number) => a - Math.floor(a / nonZero(b)) * b;
const floorModBig = (a: bigint, b: bigint) => {
  const rest = a % nonZero(b);
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
};

export const mod: BinaryOp = binary({
  name: 'mod',
  summary: 'The rest of a / b with the sign of b.',
  evaluate: { real: (a, b) => a - Math.floor(a / b) * b, int: floorMod, big: floorModBig },
  body: floorRest,
  operator: 'Mod',
  onnx: (op) => [
    {
      op: 'Mod',
      build(node): Value {
        const operands = { a: node.input(0), b: node.input(1) };
        return node.create(node.int('fmod', 0) === 0 ? op : fmod, operands).result;
      },
    },
  ],
});

export const fmod: BinaryOp = binary({
  name: 'fmod',
  summary: 'The rest of a / b with the sign of a.',
  evaluate: { real: (a, b) => a % b, int: (a, b) => a % nonZero(b), big: (a, b) => a % nonZero(b) },
  body: rest,
  onnx: () => [],
});

export const prelu: BinaryOp = binary({
  name: 'prelu',
  summary: 'y = a for a ≥ 0, else a·b.',
  evaluate: {
    real: (a, b) => (a < 0 ? a * b : a),
    int: (a, b) => (a < 0 ? Math.imul(a, b) : a),
    big: (a, b) => (a < 0n ? a * b : a),
  },
  body: (k, a, b) => k.select(k.cmp('lt', a, like(k, 0, a)), k.mul(a, b), a),
  onnx: (op) => [{ op: 'PRelu', build: (node): Value => node.create(op, slopeOf(node)).result }],
  operator: 'PRelu',
});

/** Whether a value holds floats. */
export function isFloatValue(value: Value): boolean {
  const { type } = value;
  return type.kind === 'tensor' && (typeof type.element !== 'string' || isFloat(type.element));
}

export const binaryOps = [add, sub, mul, div, min, max, mod, fmod, prelu];
