import { evaluateOp, interpret } from '../../src/interpret/index.ts';
import { type Module, type Op, Rewriter, type TensorType, type Value } from '../../src/ir/index.ts';
import { absmaxByAxis, chooseWeightScales, quantizeWeightsByAxis } from '../../src/numerics/index.ts';
import type { Sample } from '../../src/pass/define.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { channelAxis, channelCount, isLinear, scaleChannels, weightAxis } from '../channels.ts';
import { constantName, createFloats, floatConstantOf } from '../constants.ts';

/**
 * Rounded weights shift the mean of a layer's result, because activations after a Relu have a mean: by ΔW·E[x],
 * ΔW = W − Ŵ. That mean is known from calibration data, and goes into the bias of each given layer.
 * Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction (2019), section 4.2;
 * here with measured means, position by position, so that padding is accounted for.
 *
 * @returns the number of layers that were corrected
 */
export function correctBiases(module: Module, ops: Iterable<Op>, calibration: Iterable<Sample>): number {
  const layers = [...ops].filter((op) => isLinear(op) && hasStaticInput(op));
  const means = meansOf(module, new Set(layers.map((op) => op.operand(0))), calibration);
  const rewriter = new Rewriter();
  for (const op of layers) {
    const mean = means.get(op.operand(0)) as HostTensor;
    rewriter.setOperand(op, 2, correctedBias(rewriter, op, mean));
  }
  return layers.length;
}

const unbounded = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

const hasStaticInput = (op: Op) => (op.operand(0).type as TensorType).shape.every((dim) => typeof dim === 'number');

/** The mean of each element over the calibration samples, for the given values. */
function meansOf(module: Module, values: ReadonlySet<Value>, calibration: Iterable<Sample>): Map<Value, HostTensor> {
  const sums = new Map<Value, { tensor: HostTensor; sum: Float64Array }>();
  let samples = 0;
  const add = (value: Value, tensor: HostTensor) => {
    if (!values.has(value)) return;
    const entry = sums.get(value) ?? { tensor, sum: new Float64Array(tensor.data.length) };
    sums.set(value, entry);
    for (let i = 0; i < entry.sum.length; i++) entry.sum[i] = (entry.sum[i] as number) + (tensor.data[i] as number);
  };
  for (const sample of calibration) {
    samples++;
    for (const arg of module.main.body.args) add(arg, sample[arg.name ?? ''] as HostTensor);
    interpret(module, sample, { observe: (op, tensor, index) => add(op.results[index] as Value, tensor) });
  }
  const mean = ({ tensor, sum }: { tensor: HostTensor; sum: Float64Array }): HostTensor => ({
    dtype: 'f32',
    shape: tensor.shape,
    data: Float32Array.from(sum, (total) => total / samples),
  });
  return new Map([...sums].map(([value, entry]) => [value, mean(entry)]));
}

/** bias + mean over positions of layer(E[x], ΔW), as a constant before `op`. */
function correctedBias(rewriter: Rewriter, op: Op, mean: HostTensor): Value {
  const weights = floatConstantOf(op.operands[1]) as HostTensor;
  const difference = { ...weights, data: Float32Array.from(roundingErrors(weights, weightAxis(op))) };
  const channels = channelCount(op);
  rewriter.before(op);
  const { definition, attributes, operands } = op;
  const bare = rewriter.createRaw(definition, operands.slice(0, 2), { ...attributes, clamp: unbounded });
  const [shift] = evaluateOp(bare, [mean, difference]) as [HostTensor];
  rewriter.erase(bare);
  const bias = Float64Array.from(
    { length: channels },
    (_, c) => (floatConstantOf(op.operands[2])?.data[c] as number) ?? 0,
  );
  const inner = shift.shape.slice(channelAxis(op) + 1).reduce((a, b) => a * b, 1);
  const share = channels / shift.data.length;
  shift.data.forEach((value, i) => {
    const c = Math.floor(i / inner) % channels;
    bias[c] = (bias[c] as number) + (value as number) * share;
  });
  return createFloats(rewriter, `${constantName(op.operand(1), op.source)}.bias`, [channels], bias);
}

/** W − Ŵ, Ŵ what `quantize` will make of the weights. */
function roundingErrors({ data, shape }: HostTensor, axis: number): Float64Array {
  const weights = data as Float32Array;
  const scales = chooseWeightScales(absmaxByAxis(weights, shape, axis), 8);
  const codes = quantizeWeightsByAxis(weights, shape, axis, scales, 8);
  return scaleChannels(codes, shape, axis, scales).map((rounded, i) => (weights[i] as number) - rounded);
}
