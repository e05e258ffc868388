import { div, max as maximum, min as minimum, sub } from '../../../dialects/nn/binary.ts';
import { cast } from '../../../dialects/nn/cast.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { equal } from '../../../dialects/nn/compare.ts';
import { reduceMax, reduceMin } from '../../../dialects/nn/reduce.ts';
import { round } from '../../../dialects/nn/unary.ts';
import { where } from '../../../dialects/nn/where.ts';
import type { OnnxMapping, OnnxNode, ScalarType, Value } from '../../ir/index.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { elementStorage } from '../proto/dtypes.ts';
import { castTo, dequantize, elementOf, type Linear, quantize, typeOf } from './linear.ts';

const contrib = 'com.microsoft';

/** Reads inputs 1 and 2 and the attributes that say along what they run. */
function readLinear(node: OnnxNode): Linear {
  const rank = typeOf(node.input(0)).shape.length;
  const axis = node.int('axis', 1);
  const at = axis < 0 ? axis + rank : axis;
  const blockSize = node.int('block_size', 0);
  const scale = node.input(1);
  const scaleRank = typeOf(scale).shape.length;
  const isList = blockSize > 0 || (scaleRank === 1 && typeOf(scale).shape[0] !== 1);
  if (isList && (at < 0 || at >= rank)) node.refuse(`axis ${axis} of a tensor of rank ${rank}`);
  return { scale, zeroPoint: node.optionalInput(2), axis: at, blockSize };
}

function elementNumbered(node: OnnxNode, attribute: string): ScalarType | undefined {
  const number = node.int(attribute, 0);
  if (number === 0) return undefined;
  return elementStorage(number)?.dtype ?? node.refuse(`${attribute} = ${number}`, 'ONNX does not define it');
}

function importQuantize(node: OnnxNode): Value {
  const linear = readLinear(node);
  const declared = elementNumbered(node, 'output_dtype');
  const storage = linear.zeroPoint ? elementOf(linear.zeroPoint) : (declared ?? 'u8');
  const precision = elementNumbered(node, 'precision');
  // Integers always saturate.
  const saturate = node.int('saturate', 1) !== 0 || !storage.startsWith('f8');
  const x = node.input(0);
  return quantize(node, elementOf(x) === 'i32' ? castTo(node, x, 'f32') : x, linear, storage, precision, saturate);
}

function importDequantize(node: OnnxNode): Value {
  const linear = readLinear(node);
  const to = elementNumbered(node, 'output_dtype') ?? elementOf(linear.scale);
  return dequantize(node, node.input(0), linear, to);
}

const f32 = (value: number): HostTensor => ({ dtype: 'f32', shape: [], data: Float32Array.of(value) });

/** Codes of 8 bits over the range of x, with their scale and zero point. All steps in f32, as ONNX defines them. */
export function quantizeDynamically(node: OnnxNode, x: Value): readonly [Value, Value, Value] {
  const zero = node.createConstant(f32(0));
  const all = { axes: typeOf(x).shape.map((_, i) => i), keepdims: false };
  const low = node.create(minimum, { a: node.create(reduceMin, { x }, all).result, b: zero }).result;
  const high = node.create(maximum, { a: node.create(reduceMax, { x }, all).result, b: zero }).result;
  const range = node.create(sub, { a: high, b: low }).result;
  const step = node.create(div, { a: range, b: node.createConstant(f32(255)) }).result;
  // Of zeros alone: any scale gives their codes.
  const none = node.create(equal, { a: step, b: zero }).result;
  const scale = node.create(where, { condition: none, a: node.createConstant(f32(1)), b: step }).result;
  const first = node.create(sub, { a: zero, b: node.create(div, { a: low, b: scale }).result }).result;
  const limited = node.create(clamp, { x: first }, { min: 0, max: 255 }).result;
  const zeroPoint = node.create(cast, { x: node.create(round, { x: limited }).result }, { to: 'u8' }).result;
  const codes = quantize(node, x, { scale, zeroPoint, axis: 0, blockSize: 0 }, 'u8');
  return [codes, scale, zeroPoint];
}

export const quantizeMappings: readonly OnnxMapping[] = [
  { op: 'QuantizeLinear', since: 10, build: importQuantize },
  { op: 'DequantizeLinear', since: 10, build: importDequantize },
  { op: 'QuantizeLinear', domain: contrib, build: importQuantize },
  { op: 'DequantizeLinear', domain: contrib, build: importDequantize },
  { op: 'DynamicQuantizeLinear', build: (node): readonly Value[] => quantizeDynamically(node, node.input(0)) },
];
