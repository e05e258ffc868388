import { add, div, mul, sub } from '../../../dialects/nn/binary.ts';
import { cast } from '../../../dialects/nn/cast.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { expand } from '../../../dialects/nn/expand.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import { slice } from '../../../dialects/nn/slice.ts';
import { round } from '../../../dialects/nn/unary.ts';
import { dcast } from '../../../dialects/quant/dcast.ts';
import { qcast } from '../../../dialects/quant/qcast.ts';
import { scast } from '../../../dialects/quant/scast.ts';
import {
  type Dim,
  type Granularity,
  integerRange,
  isInteger,
  mulDim,
  type OnnxNode,
  perTensor,
  type QuantType,
  quantParams,
  quantType,
  type ScalarType,
  type TensorType,
  tensor,
  uniformParams,
  type Value,
  withElement,
} from '../../ir/index.ts';
import type { HostTensor } from '../../support/tensor.ts';

/** How codes stand for real numbers, as a node's inputs say it: real = (code − zero point)·scale. */
export interface Linear {
  readonly scale: Value;
  /** Absent: 0. */
  readonly zeroPoint: Value | undefined;
  /** The axis along which a list of scales runs, or blocks do. */
  readonly axis: number;
  /** Elements that share a scale along the axis; 0: no blocks. */
  readonly blockSize: number;
}

export const typeOf = (value: Value): TensorType => value.type as TensorType;
export const elementOf = (value: Value): ScalarType => typeOf(value).element as ScalarType;

const numbersOf = ({ data }: HostTensor): number[] => Array.from(data as unknown as Iterable<number | bigint>, Number);

/** Storage types whose codes are exact in f32 and have a quantized type. */
const codeTypes = new Set<ScalarType>(['i8', 'u8', 'i16', 'u16', 'i4', 'u4', 'i2', 'u2', 'i32']);

/**
 * The quantized type that constant parameters give tensors of a shape; undefined where they are not constant, or
 * nothing that a type can say. @throws QcError where parameters and shape don't fit together
 */
export function quantTypeOf(
  node: OnnxNode,
  shape: readonly Dim[],
  storage: ScalarType,
  linear: Linear,
): QuantType | undefined {
  const scales = node.constantOf(linear.scale);
  const zeros = linear.zeroPoint && node.constantOf(linear.zeroPoint);
  if (scales?.dtype !== 'f32' || (linear.zeroPoint && !zeros) || !codeTypes.has(storage)) return undefined;
  const scale = numbersOf(scales);
  const zeroPoint = zeros ? numbersOf(zeros) : scale.map(() => 0);
  if (scale.length !== zeroPoint.length) {
    return node.refuse(`${scale.length} scales with ${zeroPoint.length} zero points`, 'there is one for each');
  }
  if (!scale.every((s) => s > 0 && s < Infinity)) return undefined;
  const granularity = granularityOf(node, shape, scales.shape, linear);
  return granularity && quantType({ storage, granularity, params: quantParams({ scale, zeroPoint }) });
}

function granularityOf(
  node: OnnxNode,
  shape: readonly Dim[],
  scales: readonly number[],
  { axis, blockSize }: Linear,
): Granularity | undefined {
  if (blockSize > 0) {
    const blocks = shape.map((dim, i) => (i === axis && typeof dim === 'number' ? Math.ceil(dim / blockSize) : dim));
    return blocks.join() === scales.join() ? { kind: 'block', axis, size: blockSize } : undefined;
  }
  if (scales.length === 0 || (scales.length === 1 && scales[0] === 1)) return perTensor;
  if (scales.length === 1 && scales[0] === shape[axis]) return { kind: 'axis', axis };
  return node.refuse(`scales of the shape [${scales.join(', ')}] on [${shape.join(', ')}] along axis ${axis}`);
}

/** The same codes as elements of `element`; a change that was made before is taken back. */
export function asElement(node: OnnxNode, value: Value, element: QuantType | ScalarType): Value {
  const source = value.op && scast.is(value.op) ? value.op.operand(0) : value;
  const type = withElement(typeOf(value), element);
  if (source.type === type) return source;
  return node.create(scast, { x: source }, {}, [type]).result;
}

export function castTo(node: OnnxNode, x: Value, to: ScalarType, saturate = true): Value {
  const attributes = saturate ? { to } : { to, saturate };
  return elementOf(x) === to ? x : node.create(cast, { x }, attributes).result;
}

/** (codes − zero point)·scale in `to`: codes under a quantized type where the parameters allow, else arithmetic. */
export function dequantize(node: OnnxNode, codes: Value, linear: Linear, to: ScalarType = 'f32'): Value {
  const { shape } = typeOf(codes);
  const { zeroPoint } = linear;
  if (zeroPoint && elementOf(zeroPoint) !== elementOf(codes)) {
    return node.refuse(`codes of ${elementOf(codes)} with a zero point of ${elementOf(zeroPoint)}`);
  }
  const type = to === 'f32' ? quantTypeOf(node, shape, elementOf(codes), linear) : undefined;
  if (type && (uniformParams(type) || node.constantOf(codes))) {
    const x = asElement(node, codes, type);
    return node.create(dcast, { x }, {}, [tensor(shape, to)]).result;
  }
  // 32-bit codes are subtracted as integers, all others are exact in f32.
  const between = elementOf(codes) === 'i32' ? 'i32' : 'f32';
  const wide = castTo(node, codes, between);
  const zero = zeroPoint && spread(node, castTo(node, zeroPoint, between), shape, linear);
  const steps = castTo(node, zero ? node.create(sub, { a: wide, b: zero }).result : wide, 'f32');
  const scale = spread(node, castTo(node, linear.scale, 'f32'), shape, linear);
  return castTo(node, node.create(mul, { a: steps, b: scale }).result, to);
}

/**
 * clamp(half_even(x / scale) + zero point) as codes of `storage`, or the nearest narrow float. `precision` is the
 * type of the division; `saturate` is for 8-bit floats alone.
 */
export function quantize(
  node: OnnxNode,
  x: Value,
  linear: Linear,
  storage: ScalarType,
  precision: ScalarType = elementOf(x),
  saturate = true,
): Value {
  const { shape } = typeOf(x);
  const type = elementOf(x) === 'f32' ? quantTypeOf(node, shape, storage, linear) : undefined;
  if (type && storage !== 'i32' && uniformParams(type)) {
    return asElement(node, node.create(qcast, { x }, {}, [tensor(shape, type)]).result, storage);
  }
  const scale = spread(node, castTo(node, linear.scale, precision), shape, linear);
  const steps = node.create(div, { a: castTo(node, x, precision), b: scale }).result;
  const zero = linear.zeroPoint && spread(node, castTo(node, linear.zeroPoint, 'f32'), shape, linear);
  if (!isInteger(storage)) {
    return castTo(node, zero ? plus(node, castTo(node, steps, 'f32'), zero) : steps, storage, saturate);
  }
  const whole = castTo(node, node.create(round, { x: steps }).result, 'f32');
  const [min, max] = integerRange(storage);
  const code = node.create(clamp, { x: zero ? plus(node, whole, zero) : whole }, { min, max }).result;
  return castTo(node, code, storage);
}

const plus = (node: OnnxNode, a: Value, b: Value): Value => node.create(add, { a, b }).result;

/** A parameter brought to a shape that broadcasts over the tensor it belongs to. */
function spread(node: OnnxNode, parameter: Value, shape: readonly Dim[], { axis, blockSize }: Linear): Value {
  const own = typeOf(parameter).shape;
  const to = (x: Value, wanted: readonly Dim[]): Value => node.create(reshape, { x }, { shape: wanted }).result;
  if (blockSize === 0) {
    if (own.length === 0 || shape.length === 0) return own.length === 0 ? parameter : to(parameter, []);
    const [count] = own;
    if (own.length !== 1 || (count !== 1 && count !== shape[axis])) {
      return node.refuse(`parameters of the shape [${own.join(', ')}] on [${shape.join(', ')}] along axis ${axis}`);
    }
    return count === 1 ? parameter : to(parameter, [count as Dim, ...shape.slice(axis + 1).map(() => 1)]);
  }
  const [blocks, size] = [own[axis] as Dim, shape[axis] as Dim];
  if (own.length !== shape.length || typeof blocks !== 'number' || typeof size !== 'number') {
    return node.refuse(`blocks of ${blockSize} with scales of [${own.join(', ')}] on [${shape.join(', ')}]`);
  }
  const single = to(parameter, own.toSpliced(axis + 1, 0, 1));
  const repeated = node.create(expand, { x: single }, { shape: own.toSpliced(axis + 1, 0, blockSize) }).result;
  const full = to(repeated, own.with(axis, mulDim(blocks, blockSize)));
  if (blocks * blockSize === size) return full;
  const attributes = { starts: own.map(() => 0), steps: own.map(() => 1), sizes: own.with(axis, size) };
  return node.create(slice, { x: full }, attributes).result;
}
