import {
  attr,
  type BodyBuilder,
  defineOp,
  expressed,
  isInteger,
  isScalarType,
  type OnnxNode,
  type ScalarType,
  type TensorType,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import {
  encodeFloat,
  F4E2M1,
  F8E4M3FN,
  F8E4M3FNUZ,
  F8E5M2,
  F8E5M2FNUZ,
  type FloatFormat,
} from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { DType, HostTensor } from '../../src/support/tensor.ts';
import { fromNumbers, isBig, real, toF64, truths } from './elements.ts';
import { decodeHalf, encodeHalf, isHalf } from './halves.ts';

// TensorProto.DataType numbers. Source: onnx/onnx.proto.
const dataTypes: readonly (ScalarType | undefined)[] = [
  ...[undefined, 'f32', 'u8', 'i8', 'u16', 'i16', 'i32', 'i64', undefined, 'i1', 'f16', 'f64', 'u32', 'u64'],
  ...[undefined, undefined, 'bf16', 'f8e4m3fn', 'f8e4m3fnuz', 'f8e5m2', 'f8e5m2fnuz', 'u4', 'i4', 'f4e2m1'],
  ...['f8e8m0', 'u2', 'i2'],
] as (ScalarType | undefined)[];

/** The element type of a TensorProto.DataType number; undefined for text and complex numbers. */
export function dataTypeNamed(number: number): ScalarType | undefined {
  return dataTypes[number];
}

/** Floats below 16 bits, which are encoded here because a cast says what happens beyond their range. */
const narrowFloats: Partial<Record<string, FloatFormat>> = {
  f8e4m3fn: F8E4M3FN,
  f8e4m3fnuz: F8E4M3FNUZ,
  f8e5m2: F8E5M2,
  f8e5m2fnuz: F8E5M2FNUZ,
  f4e2m1: F4E2M1,
};

/** f4e2m1 has no NaN; it becomes −0, as in ml_dtypes. */
const f4NaN = 8;

/**
 * The integers to which floats are truncated before they become these, whose higher bits are then cut off: kernels
 * clamp where they convert, a cast wraps.
 */
const wrapsThrough: Partial<Record<ScalarType, ScalarType>> = {
  i8: 'i32',
  u8: 'i32',
  i16: 'i32',
  u16: 'i32',
  u32: 'i64',
};

const roundings = ['nearest', 'up', 'down'] as const;

export const cast = defineOp({
  name: 'nn.cast',
  summary: 'The same numbers in another element type; floats truncate toward zero when they become integers.',
  operands: { x: 'required' },
  attributes: {
    to: attr.string(),
    /** Whether numbers beyond the range of an 8-bit float become its largest one. */
    saturate: attr.bool(true),
    /** How powers of two (f8e8m0) are rounded. */
    rounding: attr.oneOf(roundings, 'up'),
  },
  infer: ({ x }, { to }) => withElement(x, checked(to)),
  evaluate({ x }, { to, saturate, rounding }): HostTensor {
    const format = narrowFloats[to];
    if (!format && to !== 'f8e8m0') return convert(x, to as DType);
    const encode = format
      ? (v: number) => (to === 'f4e2m1' && Number.isNaN(v) ? f4NaN : encodeFloat(v, format, saturate))
      : (v: number) => encodeE8M0(v, rounding, saturate);
    return { dtype: to as DType, shape: x.shape, data: Uint8Array.from(toF64(x), encode) };
  },
  lower: {
    kind: 'elementwise',
    body(k, [x], op): Value {
      const to = cast.attributesOf(op).to as ScalarType;
      const from = elementOf(op.operand(0));
      if (isHalf(from)) return bodyOf(k, decodeHalf(k, x as Value, from), 'f32', to);
      return bodyOf(k, x as Value, from, to);
    },
  },
  onnx: [
    {
      op: 'Cast',
      build(node): Value {
        const number = node.opset < 6 ? undefined : node.int('to');
        const to = number === undefined ? undefined : dataTypeNamed(number);
        if (!to) return node.refuse(`a cast to element type ${number}`, 'only numbers can be computed with');
        return castTo(node, to);
      },
    },
    {
      op: 'CastLike',
      build(node): Value {
        return castTo(node, elementOf(node.input(1)));
      },
    },
  ],
  toOnnx(writer, { x }, { to, saturate, rounding }) {
    if (rounding !== 'up') return writer.refuse(`the rounding '${rounding}'`);
    const narrow = to.startsWith('f8') ? { saturate: saturate ? 1 : 0 } : {};
    return writer.node('Cast', [x], { int: { to: dataTypes.indexOf(to as ScalarType), ...narrow } });
  },
});

function castTo(node: OnnxNode, to: ScalarType): Value {
  const x = node.input(0);
  // These concern floats of 8 bits alone.
  const saturate = node.int('saturate', 1) !== 0;
  const mode = node.string('round_mode', 'up');
  const rounding = roundings.find((known) => known === mode) ?? node.refuse(`round_mode '${mode}'`);
  if (elementOf(x) === to) return x;
  const narrow = {
    ...(to.startsWith('f8') && !saturate ? { saturate } : {}),
    ...(to === 'f8e8m0' && rounding !== 'up' ? { rounding } : {}),
  };
  return node.create(cast, { x }, { to, ...narrow }).result;
}

const f32Word = new Float32Array(1);
const f32Bits = new Uint32Array(f32Word.buffer);

/**
 * The power of two for the magnitude of x, as its biased exponent. What the sign says is lost, and what is not finite
 * becomes NaN. Source: onnx.numpy_helper.to_float8e8m0.
 */
function encodeE8M0(x: number, rounding: (typeof roundings)[number], saturate: boolean): number {
  f32Word[0] = x;
  const bits = f32Bits[0] as number;
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0xff) return 0xff;
  const half = (bits & 0x400000) !== 0;
  const nearest = half && ((bits & 0x3fffff) !== 0 || exponent > 0);
  const up = rounding === 'up' ? (bits & 0x7fffff) !== 0 : rounding === 'nearest' && nearest;
  return up && !(saturate && exponent === 0xfe) ? exponent + 1 : exponent;
}

/** A number of another type than f16 and bf16 as one of type `to`. */
function bodyOf(k: BodyBuilder, x: Value, from: ScalarType, to: ScalarType): Value {
  if (from === to) return x;
  if (isHalf(to)) return encodeHalf(k, bodyOf(k, x, from, 'f32'), to);
  if (to === 'i1') return k.cmp('ne', x, k.constant(0, from, x));
  const wide = isInteger(from) ? undefined : wrapsThrough[to];
  return k.convert(wide ? k.convert(x, wide) : x, to);
}

const elementOf = (value: Value): ScalarType => expressed((value.type as TensorType).element);

function checked(to: string): ScalarType {
  if (isScalarType(to) && to !== 'string' && to !== 'index') return to;
  throw new QcError({ what: `'${to}' is no element type to cast to` });
}

function convert(x: HostTensor, to: DType): HostTensor {
  if (to === 'i1')
    return truths(
      x.shape,
      Uint8Array.from(toF64(x), (v) => (v === 0 ? 0 : 1)),
    );
  if (isBig(x.dtype) && isInteger(to)) {
    const wide = x.data as BigInt64Array;
    if (to === 'i64') return { dtype: to, shape: x.shape, data: BigInt64Array.from(wide) };
    if (to === 'u64') return { dtype: to, shape: x.shape, data: BigUint64Array.from(wide) };
    return fromNumbers(
      to,
      x.shape,
      Float64Array.from(wide, (v) => Number(BigInt.asIntN(32, v))),
    );
  }
  return isInteger(to) ? fromNumbers(to, x.shape, toF64(x)) : real(x.shape, toF64(x));
}
