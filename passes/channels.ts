import { conv } from '../dialects/nn/conv.ts';
import { matmul } from '../dialects/nn/matmul.ts';
import type { Op } from '../src/ir/index.ts';
import { staticShape, type TensorType, type Value } from '../src/ir/index.ts';
import { floatConstantOf } from './constants.ts';

/** Axis of the output channels in the result of a convolution or matrix product. */
export function channelAxis(op: Op): number {
  return op.definition === conv ? 1 : (op.result.type as TensorType).shape.length - 1;
}

/** Axis of the output channels in its weights. */
export function weightAxis(op: Op): number {
  return op.definition === conv ? 0 : (op.operand(1).type as TensorType).shape.length - 1;
}

/** Number of output channels, from its weights. */
export function channelCount(op: Op): number {
  return staticShape(op.operand(1).type as TensorType)[weightAxis(op)] as number;
}

/** Whether an op is a convolution or matrix product with constant f32 weights and, if any, a constant bias. */
export function isLinear(op: Op | undefined): op is Op {
  if (!op || !(conv.is(op) || matmul.is(op))) return false;
  if ((op.operand(1).type as TensorType).shape.length < 2) return false;
  return (
    floatConstantOf(op.operands[1]) !== undefined && (!op.operands[2] || floatConstantOf(op.operands[2]) !== undefined)
  );
}

/**
 * The numbers of a constant that holds one number for each index of `axis` (or one for all), where it broadcasts
 * against a tensor of the given rank without making it larger; undefined where it does not.
 */
export function perChannel(value: Value, rank: number, axis: number, channels: number): Float64Array | undefined {
  const found = floatConstantOf(value);
  if (!found || found.shape.length > rank) return undefined;
  const lead = rank - found.shape.length;
  const fits = found.shape.every((size, i) => size === 1 || (i + lead === axis && size === channels));
  if (!fits) return undefined;
  const data = found.data as Float32Array;
  return Float64Array.from({ length: channels }, (_, c) => data[data.length === 1 ? 0 : c] as number);
}

/** Every weight of output channel c times `factors[c]`, in f64. */
export function scaleChannels(
  weights: ArrayLike<number>,
  shape: readonly number[],
  axis: number,
  factors: ArrayLike<number>,
): Float64Array {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channels = shape[axis] as number;
  return Float64Array.from(weights).map((w, i) => w * (factors[Math.floor(i / inner) % channels] as number));
}
