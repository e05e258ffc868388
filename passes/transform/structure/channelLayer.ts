import { conv } from '../../../dialects/nn/conv.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import type { Op, TensorType } from '../../../src/ir/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { isLinear, weightAxis } from '../../channels.ts';
import { floatConstantOf } from '../../constants.ts';
import { isMatrixLayer } from './matrixLayer.ts';

/** The float weights of a layer. */
export function weightsOf(layer: Op): HostTensor & { readonly data: Float32Array } {
  return floatConstantOf(layer.operand(1)) as HostTensor & { data: Float32Array };
}

/**
 * A layer whose weights no other shares, and which have the channels of its input along one axis: a product with a matrix,
 * a convolution of one group, or a depthwise one.
 */
export function isChannelLayer(op: Op): boolean {
  if (!conv.is(op)) return isMatrixLayer(op);
  return isLinear(op) && op.operand(1).uses.size === 1 && (conv.attributesOf(op).group === 1 || isDepthwise(op));
}

/** The axis of the weights that has the input's channels; of a depthwise convolution it has the output's too. */
export function inputAxis(layer: Op): number {
  if (matmul.is(layer)) return 0;
  return isDepthwise(layer) ? 0 : 1;
}

/** The axis of the input that has its channels. */
export function readAxis(layer: Op): number {
  return matmul.is(layer) ? (layer.operand(0).type as TensorType).shape.length - 1 : 1;
}

/** Whether zeros around the input are multiplied too. */
export function isPadded(layer: Op): boolean {
  return conv.is(layer) && conv.attributesOf(layer).pads.some((pad) => pad !== 0);
}

/** For a place in the weights, the number of the channel along an axis. */
export function channelAt({ shape }: { readonly shape: readonly number[] }, axis: number): (place: number) => number {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channels = shape[axis] as number;
  return (place) => Math.floor(place / inner) % channels;
}

/** For each of a value's channels the largest magnitude of the weights that meet it in some layers. */
export function readRanges(layers: readonly Op[], channels: number): Float64Array {
  const most = new Float64Array(channels);
  for (const layer of layers) includeMagnitudes(most, weightsOf(layer), inputAxis(layer));
  return most;
}

/** The same of the weights that make it in a layer. */
export function writtenRanges(layer: Op, channels: number): Float64Array {
  const most = new Float64Array(channels);
  includeMagnitudes(most, weightsOf(layer), weightAxis(layer));
  return most;
}

/** Raises `most` to the magnitudes of a tensor's elements, whose channels lie along an axis. */
export function includeMagnitudes(
  most: Float64Array,
  tensor: { readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint> },
  axis: number,
): void {
  const channelOf = channelAt(tensor, axis);
  for (let i = 0; i < tensor.data.length; i++) {
    const c = channelOf(i);
    most[c] = Math.max(most[c] as number, Math.abs(Number(tensor.data[i])));
  }
}

function isDepthwise(op: Op): boolean {
  if (!conv.is(op)) return false;
  const [outputs, inputs] = (op.operand(1).type as TensorType).shape;
  const { group } = conv.attributesOf(op);
  return group > 1 && inputs === 1 && outputs === group;
}
