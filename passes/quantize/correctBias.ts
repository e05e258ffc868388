import { conv } from '../../dialects/nn/conv.ts';
import { type Op, Rewriter } from '../../src/ir/index.ts';
import { quantizeWeightsByAxis } from '../../src/numerics/index.ts';
import { storageBits, type WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { channelCount, scaleChannels, weightAxis } from '../channels.ts';
import { constantName, createFloats, floatConstantOf } from '../constants.ts';
import { isGrouped } from './groupedWeights.ts';
import { storeMatrix } from './storedWeights.ts';
import { weightScalesOf } from './weightScales.ts';

/**
 * Rounded weights shift the mean of a layer's result, because activations after a Relu have a mean: by ΔW·E[x],
 * ΔW = W − Ŵ and x the window that the layer sees. That mean is known from calibration, and goes into the bias.
 * Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction (2019), section 4.2;
 * here with measured means, window position by position, so that padding is accounted for.
 *
 * @param mean of the layer's windows: [channels, kernel…], or [inputs] for a matrix product
 * @param scheme how the weights will be stored
 */
export function correctBias(op: Op, mean: Float64Array, scheme: WeightScheme): void {
  const weights = floatConstantOf(op.operands[1]) as HostTensor;
  const axis = weightAxis(op);
  const errors = roundingErrors(op, weights, axis, scheme);
  const channels = channelCount(op);
  const given = floatConstantOf(op.operands[2])?.data as Float32Array | undefined;
  const bias = Float64Array.from({ length: channels }, (_, c) => given?.[c] ?? 0);
  const shift = conv.is(op) ? convShift(errors, mean, channels, conv.attributesOf(op).group) : rowShift(errors, mean);
  shift.forEach((value, c) => {
    bias[c] = (bias[c] as number) + value;
  });
  const rewriter = new Rewriter().before(op);
  const name = `${constantName(op.operand(1), op.source)}.bias`;
  rewriter.setOperand(op, 2, createFloats(rewriter, name, [channels], bias));
}

/** Σ ΔW[c, …]·mean of the channels of c's group. */
function convShift(errors: Float64Array, mean: Float64Array, channels: number, group: number): Float64Array {
  const window = errors.length / channels;
  return Float64Array.from({ length: channels }, (_, c) => {
    const start = Math.floor((c * group) / channels) * window;
    let sum = 0;
    for (let i = 0; i < window; i++) sum += (errors[c * window + i] as number) * (mean[start + i] as number);
    return sum;
  });
}

/** meanᵀ·ΔW. */
function rowShift(errors: Float64Array, mean: Float64Array): Float64Array {
  const channels = errors.length / mean.length;
  const shift = new Float64Array(channels);
  errors.forEach((error, i) => {
    const c = i % channels;
    shift[c] = (shift[c] as number) + error * (mean[Math.floor(i / channels)] as number);
  });
  return shift;
}

/** W − Ŵ, Ŵ what `quantize` will make of the weights. */
function roundingErrors(op: Op, tensor: HostTensor, axis: number, scheme: WeightScheme): Float64Array {
  const { shape } = tensor;
  const weights = tensor.data as Float32Array;
  if (isGrouped(op, scheme))
    return storeMatrix(tensor, scheme).numbers.map((rounded, i) => (weights[i] as number) - rounded);
  const scales = weightScalesOf(tensor, axis, scheme);
  const codes = quantizeWeightsByAxis(weights, shape, axis, scales, storageBits(scheme.storage));
  return scaleChannels(codes, shape, axis, scales).map((rounded, i) => (weights[i] as number) - rounded);
}
