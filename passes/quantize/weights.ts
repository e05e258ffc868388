import { type Op, type QuantType, quantParams, quantType, type Rewriter, type Value } from '../../src/ir/index.ts';
import { F32_MIN_NORMAL, fitBias, quantizeWeightsByAxis } from '../../src/numerics/index.ts';
import { storageBits, type WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { weightAxis } from '../channels.ts';
import { constantName, createConstant, floatConstantOf } from '../constants.ts';
import { groupedMatrix, isGrouped } from './groupedWeights.ts';
import { isZeroChannel, weightScalesOf } from './weightScales.ts';

/** Weights as codes, and the scales that they have got. */
export interface QuantizedWeights {
  readonly value: Value;
  readonly scales: readonly number[];
  /** Channels whose scale was raised so that the bias fits the accumulator. */
  readonly raised: number;
}

/**
 * Symmetric weights of a contraction, one scale an output channel or one for each of its groups; the constant stands at the insertion point.
 * @param inputScale scale of its activations, which decides whether the bias fits
 */
export function quantizeWeightsOf(
  rewriter: Rewriter,
  op: Op,
  inputScale: number,
  scheme: WeightScheme,
): QuantizedWeights {
  if (isGrouped(op, scheme)) return quantizeGroups(rewriter, op, inputScale, scheme);
  const weights = floatConstantOf(op.operands[1]) as HostTensor;
  const bias = floatConstantOf(op.operands[2])?.data as Float32Array | undefined;
  const axis = weightAxis(op);
  const data = weights.data as Float32Array;
  const bits = storageBits(scheme.storage);
  const isZero = isZeroChannel(weights, axis);
  const chosen = weightScalesOf(weights, axis, scheme, op.source).map((scale, c) =>
    isZero(c) ? scaleForBias(bias?.[c] ?? 0, inputScale, scale) : scale,
  );
  const scales = chosen.map((scale, c) => fitBias(bias?.[c] ?? 0, inputScale, scale, false, op.source).weightScale);
  const codes = quantizeWeightsByAxis(data, weights.shape, axis, scales, bits);
  const element = weightType(axis, scales);
  const value = createConstant(
    rewriter,
    constantName(op.operand(1), op.source),
    { dtype: 'i8', shape: weights.shape, data: codes },
    element,
  );
  return { value, scales, raised: scales.filter((scale, c) => scale !== chosen[c]).length };
}

/** Scales of groups are whole multiples of the scale of their output, which decides whether its bias fits. */
function quantizeGroups(rewriter: Rewriter, op: Op, inputScale: number, scheme: WeightScheme): QuantizedWeights {
  const weights = floatConstantOf(op.operands[1]) as HostTensor;
  const bias = floatConstantOf(op.operands[2])?.data as Float32Array | undefined;
  let raised = 0;
  const { codes, type, units } = groupedMatrix(weights, scheme, (unit, n, isZero) => {
    const start = bias?.[n] ?? 0;
    const free = isZero ? scaleForBias(start, inputScale, unit) : unit;
    const { weightScale } = fitBias(start, inputScale, free, false, op.source);
    if (weightScale !== free) raised++;
    return weightScale;
  });
  const value = createConstant(rewriter, constantName(op.operand(1), op.source), codes, type);
  return { value, scales: units, raised };
}

/** The scale of a channel of zeros is free: one that leaves its bias 20 bits. */
function scaleForBias(bias: number, inputScale: number, scale: number): number {
  const fine = Math.fround(Math.abs(bias) / (inputScale * 2 ** 20));
  return fine >= F32_MIN_NORMAL && fine < scale ? fine : scale;
}

function weightType(axis: number, scale: readonly number[]): QuantType {
  return quantType({ storage: 'i8', granularity: { kind: 'axis', axis }, params: quantParams({ scale }) });
}
