import type { Op, Rewriter, TensorType, Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { channelCount, scaleChannels, weightAxis } from '../channels.ts';
import { constantName, createFloats, floatConstantOf } from '../constants.ts';

/** y = x·factor + offset, one of each a channel. */
export interface ChannelAffine {
  readonly factor: ArrayLike<number>;
  readonly offset: ArrayLike<number>;
}

/**
 * affine(linear(x, w, b)) as one op: linear(x, w·factor, b·factor + offset), in f64, rounded once to f32. The new op
 * stands at the insertion point, with the source name of `linear`.
 */
export function foldIntoLinear(rewriter: Rewriter, linear: Op, { factor, offset }: ChannelAffine): Value {
  const weights = floatConstantOf(linear.operands[1]) as HostTensor;
  const bias = floatConstantOf(linear.operands[2])?.data;
  const channels = channelCount(linear);
  const name = constantName(linear.operand(1), linear.source);
  const scaled = scaleChannels(weights.data as Float32Array, weights.shape, weightAxis(linear), factor);
  const shifted = Float64Array.from({ length: channels }, (_, c) => {
    return ((bias?.[c] as number | undefined) ?? 0) * (factor[c] as number) + (offset[c] as number);
  });
  const w = createFloats(rewriter, name, weights.shape, scaled);
  const b = createFloats(rewriter, `${name}.bias`, [channels], shifted);
  const { definition, attributes, source } = linear;
  return rewriter.createRaw(definition, [linear.operand(0), w, b], attributes, { source }).result;
}

/** The shape [C, 1…] with which one number a channel broadcasts against the result of `op`. */
export function channelShape(type: TensorType, axis: number, channels: number): number[] {
  return [channels, ...new Array<number>(type.shape.length - axis - 1).fill(1)];
}
