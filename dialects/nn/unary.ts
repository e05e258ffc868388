import {
  type Attribute,
  type AttributeSpecs,
  type Attributes,
  type AttributeValues,
  attr,
  type BodyBuilder,
  defineOp,
  expressed,
  type OnnxNode,
  type OnnxWriter,
  type TensorType,
  type TypedOp,
  type Value,
  type WrittenAttributes,
  withElement,
} from '../../src/ir/index.ts';
import { elementary, halfEven } from '../../src/numerics/index.ts';
import { like } from '../kernel/division.ts';
import { erfF32, expF32, logF32, sigmoidF32, tanhF32 } from '../kernel/elementary.ts';
import {
  acosF32,
  acoshF32,
  asinF32,
  asinhF32,
  atanF32,
  atanhF32,
  cosF32,
  coshF32,
  sinF32,
  sinhF32,
  tanF32,
} from '../kernel/trigonometric.ts';
import { mapElements } from './elements.ts';

/** A function of one element. */
interface UnarySpec<A extends AttributeSpecs> {
  readonly name: string;
  readonly summary: string;
  readonly attributes?: A;
  /** The ONNX operator, and its first version where an earlier one does not exist. */
  readonly onnx: string;
  readonly read?: (node: OnnxNode) => Attributes;
  readonly real: (x: number, a: AttributeValues<A>) => number;
  readonly body?: (k: BodyBuilder, x: Value, a: AttributeValues<A>) => Value;
  /** How it is written as ONNX, where that is not the operator with attributes of the same names. */
  readonly toOnnx?: (writer: OnnxWriter, x: string, a: AttributeValues<A>, type: TensorType) => string;
}

export type UnaryOp<A extends AttributeSpecs = Record<never, never>> = TypedOp<{ readonly x: 'required' }, A>;

function unary<const A extends AttributeSpecs = Record<never, never>>(spec: UnarySpec<A>): UnaryOp<A> {
  const { body, real, read } = spec;
  const op: UnaryOp<A> = defineOp({
    name: `nn.${spec.name}`,
    summary: spec.summary,
    operands: { x: 'required' },
    ...(spec.attributes ? { attributes: spec.attributes } : { attributes: {} as A }),
    infer: ({ x }) => withElement(x, expressed(x.element)),
    evaluate: ({ x }, a) => mapElements(x, (v) => real(v, a)),
    ...(body
      ? { lower: { kind: 'elementwise', body: (k, [x], o): Value => body(k, x as Value, op.attributesOf(o)) } }
      : {}),
    onnx: [
      { op: spec.onnx, build: (node): Value => node.create(op, { x: node.input(0) }, read ? read(node) : {}).result },
    ],
    toOnnx: (writer, { x }, a, o) =>
      spec.toOnnx
        ? spec.toOnnx(writer, x, a, o.operand(0).type as TensorType)
        : writer.node(spec.onnx, [x], sameAttributes(a)),
  });
  return op;
}

/** Attributes under their own names, numbers as floats. */
function sameAttributes(attributes: Attributes): WrittenAttributes {
  const ofKind = <T extends Attribute>(is: (value: Attribute | undefined) => value is T) =>
    Object.fromEntries(Object.entries(attributes).filter((entry): entry is [string, T] => is(entry[1])));
  return {
    float: ofKind((value) => typeof value === 'number'),
    string: ofKind((value) => typeof value === 'string'),
  };
}

const f32 = (k: BodyBuilder, value: number, like: Value) => k.constant(value, 'f32', like);

export const sigmoid = unary({
  name: 'sigmoid',
  summary: 'y = 1 / (1 + e^−x).',
  onnx: 'Sigmoid',
  real: elementary.sigmoid,
  body: sigmoidF32,
});

export const tanh = unary({
  name: 'tanh',
  summary: 'y = tanh x.',
  onnx: 'Tanh',
  real: elementary.tanh,
  body: tanhF32,
});

export const exp = unary({ name: 'exp', summary: 'y = e^x.', onnx: 'Exp', real: elementary.exp, body: expF32 });

export const log = unary({ name: 'log', summary: 'y = ln x.', onnx: 'Log', real: elementary.log, body: logF32 });

export const erf = unary({
  name: 'erf',
  summary: 'y = erf x.',
  onnx: 'Erf',
  real: elementary.erf,
  body: erfF32,
});

export const sqrt = unary({
  name: 'sqrt',
  summary: 'y = √x.',
  onnx: 'Sqrt',
  real: Math.sqrt,
  body: (k, x) => k.sqrt(x),
});

export const neg = unary({ name: 'neg', summary: 'y = −x.', onnx: 'Neg', real: (x) => -x, body: (k, x) => k.neg(x) });

export const abs = unary({ name: 'abs', summary: 'y = |x|.', onnx: 'Abs', real: Math.abs, body: (k, x) => k.abs(x) });

export const reciprocal = unary({
  name: 'reciprocal',
  summary: 'y = 1 / x.',
  onnx: 'Reciprocal',
  real: (x) => 1 / x,
  body: (k, x) => k.div(f32(k, 1, x), x),
});

export const floor = unary({
  name: 'floor',
  summary: 'y = ⌊x⌋.',
  onnx: 'Floor',
  real: Math.floor,
  body: (k, x) => k.floor(x),
});

export const ceil = unary({
  name: 'ceil',
  summary: 'y = ⌈x⌉.',
  onnx: 'Ceil',
  real: Math.ceil,
  body: (k, x) => k.ceil(x),
});

export const round = unary({
  name: 'round',
  summary: 'The nearest integer, ties to even.',
  onnx: 'Round',
  real: halfEven,
  body: (k, x) => k.roundEven(x),
});

export const sign = unary({
  name: 'sign',
  summary: '−1, 0 or 1.',
  onnx: 'Sign',
  real: (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  body: (k, x) => {
    const zero = like(k, 0, x);
    return k.select(k.cmp('gt', x, zero), like(k, 1, x), k.select(k.cmp('lt', x, zero), like(k, -1, x), x));
  },
});

export const softplus = unary({
  name: 'softplus',
  summary: 'y = ln(1 + e^x).',
  onnx: 'Softplus',
  real: elementary.softplus,
  body: softplusBody,
});

function softplusBody(k: BodyBuilder, x: Value): Value {
  const tail = logF32(k, k.add(f32(k, 1, x), expF32(k, k.neg(k.abs(x)))));
  return k.add(k.max(x, f32(k, 0, x)), tail);
}

/** min(max(alpha·x + beta, 0), 1). */
function ramp(k: BodyBuilder, x: Value, alpha: number, beta: number): Value {
  const line = k.add(k.mul(x, f32(k, alpha, x)), f32(k, beta, x));
  return k.min(k.max(line, f32(k, 0, x)), f32(k, 1, x));
}

export const hardSigmoid = unary({
  name: 'hard_sigmoid',
  summary: 'y = min(max(alpha·x + beta, 0), 1).',
  attributes: { alpha: attr.float(Math.fround(0.2)), beta: attr.float(0.5) },
  onnx: 'HardSigmoid',
  read: (node) => ({ alpha: node.float('alpha', Math.fround(0.2)), beta: node.float('beta', 0.5) }),
  real: (x, { alpha, beta }) => elementary.hardSigmoid(x, alpha, beta),
  body: (k, x, { alpha, beta }) => ramp(k, x, alpha, beta),
});

export const hardSwish = unary({
  name: 'hard_swish',
  summary: 'y = x · min(max(x/6 + 1/2, 0), 1).',
  onnx: 'HardSwish',
  real: elementary.hardSwish,
  body: (k, x) => k.mul(x, ramp(k, x, 1 / 6, 0.5)),
});

export const leakyRelu = unary({
  name: 'leaky_relu',
  summary: 'y = x for x ≥ 0, else alpha·x.',
  attributes: { alpha: attr.float(Math.fround(0.01)) },
  onnx: 'LeakyRelu',
  read: (node) => ({ alpha: node.float('alpha', Math.fround(0.01)) }),
  real: (x, { alpha }) => (x < 0 ? alpha * x : x),
  body: (k, x, { alpha }) => k.select(k.cmp('lt', x, f32(k, 0, x)), k.mul(x, f32(k, alpha, x)), x),
});

export const elu = unary({
  name: 'elu',
  summary: 'y = x for x ≥ 0, else alpha·(e^x − 1).',
  attributes: { alpha: attr.float(1) },
  onnx: 'Elu',
  read: (node) => ({ alpha: node.float('alpha', 1) }),
  real: (x, { alpha }) => elementary.elu(x, alpha),
  body: (k, x, { alpha }) => exponentialLinear(k, x, alpha, 1),
});

/** x for x ≥ 0, else alpha·(e^(x/width) − 1). */
function exponentialLinear(k: BodyBuilder, x: Value, alpha: number, width: number): Value {
  const zero = f32(k, 0, x);
  const scaled = width === 1 ? x : k.div(x, f32(k, width, x));
  // The exponential sees no positive argument, so it cannot overflow.
  const curve = k.mul(k.sub(expF32(k, k.min(scaled, zero)), f32(k, 1, x)), f32(k, alpha, x));
  return k.select(k.cmp('lt', x, zero), curve, x);
}

export const silu = unary({
  name: 'silu',
  summary: 'y = x / (1 + e^(−alpha·x)).',
  attributes: { alpha: attr.float(1) },
  onnx: 'Swish',
  read: (node) => ({ alpha: node.float('alpha', 1) }),
  real: (x, { alpha }) => elementary.silu(x, alpha),
  body: (k, x, { alpha }) => k.mul(x, sigmoidF32(k, alpha === 1 ? x : k.mul(x, f32(k, alpha, x)))),
  // Swish is younger than what most runtimes know.
  toOnnx(writer, x, { alpha }, type) {
    const scaled = alpha === 1 ? x : writer.node('Mul', [x, writer.scalar(alpha, type)]);
    return writer.node('Mul', [x, writer.node('Sigmoid', [scaled])]);
  },
});

export const gelu = unary({
  name: 'gelu',
  summary: 'y = x·Φ(x); with `tanh`, its approximation x/2·(1 + tanh(√(2/π)(x + 0.044715x³))).',
  attributes: { approximate: attr.oneOf(['none', 'tanh'], 'none') },
  onnx: 'Gelu',
  read: (node) => ({ approximate: node.string('approximate', 'none') }),
  real: (x, { approximate }) => (approximate === 'none' ? elementary.gelu(x) : elementary.geluTanh(x)),
  body(k, x, { approximate }) {
    const half = k.mul(x, f32(k, 0.5, x));
    const one = f32(k, 1, x);
    if (approximate === 'none') return k.mul(half, k.add(one, erfF32(k, k.mul(x, f32(k, Math.SQRT1_2, x)))));
    const cube = k.mul(k.mul(x, x), k.mul(x, f32(k, 0.044715, x)));
    return k.mul(half, k.add(one, tanhF32(k, k.mul(k.add(x, cube), f32(k, Math.sqrt(2 / Math.PI), x)))));
  },
});

const seluAlpha = Math.fround(1.6732631921768188);
const seluGamma = Math.fround(1.0507010221481323);

export const selu = unary({
  name: 'selu',
  summary: 'y = gamma·x for x > 0, else gamma·alpha·(e^x − 1).',
  attributes: { alpha: attr.float(seluAlpha), gamma: attr.float(seluGamma) },
  onnx: 'Selu',
  read: (node) => ({ alpha: node.float('alpha', seluAlpha), gamma: node.float('gamma', seluGamma) }),
  real: (x, { alpha, gamma }) => elementary.selu(x, alpha, gamma),
  body: (k, x, { alpha, gamma }) => k.mul(exponentialLinear(k, x, alpha, 1), f32(k, gamma, x)),
});

export const celu = unary({
  name: 'celu',
  summary: 'y = max(x, 0) + min(0, alpha·(e^(x/alpha) − 1)).',
  attributes: { alpha: attr.float(1) },
  onnx: 'Celu',
  read: (node) => ({ alpha: node.float('alpha', 1) }),
  real: (x, { alpha }) => elementary.celu(x, alpha),
  body: (k, x, { alpha }) => exponentialLinear(k, x, alpha, alpha),
});

export const thresholdedRelu = unary({
  name: 'thresholded_relu',
  summary: 'y = x where x > alpha, else 0.',
  attributes: { alpha: attr.float(1) },
  onnx: 'ThresholdedRelu',
  read: (node) => ({ alpha: node.float('alpha', 1) }),
  real: (x, { alpha }) => (x > alpha ? x : 0),
  body: (k, x, { alpha }) => k.select(k.cmp('gt', x, f32(k, alpha, x)), x, f32(k, 0, x)),
});

export const shrink = unary({
  name: 'shrink',
  summary: 'y = x + bias for x < −lambd, x − bias for x > lambd, else 0.',
  attributes: { lambd: attr.float(0.5), bias: attr.float(0) },
  onnx: 'Shrink',
  read: (node) => ({ lambd: node.float('lambd', 0.5), bias: node.float('bias', 0) }),
  real: (x, { lambd, bias }) => (x < -lambd ? x + bias : x > lambd ? x - bias : 0),
  body(k, x, { lambd, bias }) {
    const above = k.select(k.cmp('gt', x, f32(k, lambd, x)), k.sub(x, f32(k, bias, x)), f32(k, 0, x));
    return k.select(k.cmp('lt', x, f32(k, -lambd, x)), k.add(x, f32(k, bias, x)), above);
  },
});

export const mish = unary({
  name: 'mish',
  summary: 'y = x · tanh(ln(1 + e^x)).',
  onnx: 'Mish',
  real: elementary.mish,
  body: (k, x) => k.mul(x, tanhF32(k, softplusBody(k, x))),
});

export const softsign = unary({
  name: 'softsign',
  summary: 'y = x / (1 + |x|).',
  onnx: 'Softsign',
  real: elementary.softsign,
  body: (k, x) => k.div(x, k.add(f32(k, 1, x), k.abs(x))),
});

const plain = (
  name: string,
  onnx: string,
  summary: string,
  real: (x: number) => number,
  body: (k: BodyBuilder, x: Value) => Value,
): UnaryOp => unary({ name, onnx, summary, real, body });

export const sin = plain('sin', 'Sin', 'y = sin x.', elementary.sin, sinF32);
export const cos = plain('cos', 'Cos', 'y = cos x.', elementary.cos, cosF32);
export const tan = plain('tan', 'Tan', 'y = tan x.', elementary.tan, tanF32);
export const asin = plain('asin', 'Asin', 'y = arcsin x.', elementary.asin, asinF32);
export const acos = plain('acos', 'Acos', 'y = arccos x.', elementary.acos, acosF32);
export const atan = plain('atan', 'Atan', 'y = arctan x.', elementary.atan, atanF32);
export const sinh = plain('sinh', 'Sinh', 'y = sinh x.', elementary.sinh, sinhF32);
export const cosh = plain('cosh', 'Cosh', 'y = cosh x.', elementary.cosh, coshF32);
export const asinh = plain('asinh', 'Asinh', 'y = arsinh x.', elementary.asinh, asinhF32);
export const acosh = plain('acosh', 'Acosh', 'y = arcosh x.', elementary.acosh, acoshF32);
export const atanh = plain('atanh', 'Atanh', 'y = artanh x.', elementary.atanh, atanhF32);

export const unaryOps = [
  ...[sigmoid, tanh, exp, log, erf, sqrt, neg, abs, reciprocal, floor, ceil, round, sign, softplus, hardSigmoid],
  ...[hardSwish, leakyRelu, elu, silu, gelu, selu, celu, thresholdedRelu, shrink, mish, softsign],
  ...[sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh],
];
