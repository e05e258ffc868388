import { conv as intConv } from '../../dialects/int/conv.ts';
import { matmul as intMatmul } from '../../dialects/int/matmul.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { pad } from '../../dialects/nn/pad.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { scast } from '../../dialects/quant/scast.ts';
import { type Op, type QuantParams, type QuantType, quantOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { dyadicMultiplier, fitBias, realMultiplier } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { channelAxis, weightAxis } from '../channels.ts';
import { type Bounds, clampOf } from '../clamps.ts';
import { constantOf, createInts, floatConstantOf } from '../constants.ts';
import { isMove } from '../quantize/capabilities.ts';
import { channelShape } from '../transform/affine.ts';
import { bitsNeeded, contractionRanges, fitsI32, type Interval, sumRange } from './accumulatorRange.ts';
import { type Codes, codeBounds, codesOf, type IntegerBuilder, isAccumulator } from './builder.ts';

/** nn.conv on codes: exact sums, then one requantization a channel. */
export function lowerConv(op: Op, build: IntegerBuilder): Value {
  const { strides, pads, dilations, group } = conv.attributesOf(op);
  const { zeroPoint } = codesOf(op.operand(0), op.source);
  const bias = biasCodes(op, build);
  prove(op, weightRanges(op, bias?.codes), build);
  const operands = { x: build.stored(op.operand(0)), w: build.stored(op.operand(1)), bias: bias?.value };
  const attributes = { strides, pads, dilations, group, zero_point: zeroPoint };
  const types = [build.accumulatorType(op)];
  return finish(op, build.rewriter.create(intConv, operands, attributes, { types }).result, build);
}

/** nn.matmul on codes, with constant weights or between two activations. */
export function lowerMatmul(op: Op, build: IntegerBuilder): Value {
  const a = codesOf(op.operand(0), op.source);
  const types = [build.accumulatorType(op)];
  const operands = { a: build.stored(op.operand(0)), b: build.stored(op.operand(1)) };
  if (hasWeights(op)) {
    const bias = biasCodes(op, build);
    prove(op, weightRanges(op, bias?.codes), build);
    const attributes = { zero_point_a: a.zeroPoint, zero_point_b: 0 };
    const acc = build.rewriter.create(intMatmul, { ...operands, bias: bias?.value }, attributes, { types }).result;
    return finish(op, acc, build);
  }
  const b = codesOf(op.operand(1), op.source);
  const depth = (op.operand(0).type as TensorType).shape.at(-1);
  const [left, right] = [codeRange(op.operand(0), a), codeRange(op.operand(1), b)];
  const products = [left.low - a.zeroPoint, left.high - a.zeroPoint].flatMap((x) => [
    x * (right.low - b.zeroPoint),
    x * (right.high - b.zeroPoint),
  ]);
  if (typeof depth === 'number')
    prove(op, [sumRange(depth, { low: Math.min(...products), high: Math.max(...products) })], build);
  const attributes = { zero_point_a: a.zeroPoint, zero_point_b: b.zeroPoint };
  return finish(op, build.rewriter.create(intMatmul, operands, attributes, { types }).result, build);
}

/** The codes that a value can have: where it is made of clamped floats, those of the bounds. */
function codeRange(value: Value, codes: Codes): Interval {
  const made = value.op;
  if (qcast.is(made)) {
    const { min, max } = codeBounds(codes, clampBounds(made.operand(0).op));
    return { low: min, high: max };
  }
  const carries = made && (scast.is(made) || isMove(made)) && made.definition !== pad;
  return carries ? codeRange(made.operand(0), codes) : codes;
}

function clampBounds(op: Op | undefined): Bounds {
  if (!clamp.is(op)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const { min, max } = clamp.attributesOf(op);
  return [min, max];
}

/** Whether the second operand holds weights, with one scale an output channel. */
function hasWeights(op: Op): boolean {
  return quantOf(op.operand(1).type as TensorType)?.granularity.kind === 'axis';
}

function weightScales(op: Op): readonly number[] {
  const { params } = quantOf(op.operand(1).type as TensorType) as QuantType;
  return (params as QuantParams).scale;
}

/** The bias in units of the accumulator. `quantize` has chosen weight scales with which it fits. */
function biasCodes(op: Op, build: IntegerBuilder): { value: Value; codes: Int32Array } | undefined {
  const bias = floatConstantOf(op.operands[2])?.data;
  if (!bias) return undefined;
  const { scale } = codesOf(op.operand(0), op.source);
  const scales = weightScales(op);
  const codes = Int32Array.from(bias as Float32Array, (b, c) => {
    const { code, doublings } = fitBias(b, scale, (scales[c] ?? scales[0]) as number, false, op.source);
    if (doublings === 0) return code;
    throw new QcError({
      what: `the bias of channel ${c} does not fit the accumulator`,
      where: op.source,
      why: `${b} is 2^30 steps of ${scale * ((scales[c] ?? scales[0]) as number)} or more`,
      help: 'quantize the layer again: quantize raises the weight scale of such a channel',
    });
  });
  return { value: createInts(build.rewriter, `${op.source}.bias`, [codes.length], codes), codes };
}

function weightRanges(op: Op, bias: Int32Array | undefined): Interval[] {
  const { zeroPoint, low, high } = codesOf(op.operand(0), op.source);
  return contractionRanges(constantOf(op.operand(1)) as HostTensor, weightAxis(op), bias, zeroPoint, [low, high]);
}

/** Reports that the sums fit 32 bits. @throws QcError where they may not */
function prove(op: Op, ranges: readonly Interval[], build: IntegerBuilder): void {
  const whole = ranges.reduce((a, b) => ({ low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }));
  if (fitsI32(whole)) {
    build.report(`${op.source}: sums lie in [${whole.low}, ${whole.high}], ${bitsNeeded(whole)} bits`);
    return;
  }
  throw new QcError({
    what: `the sums of this layer can reach [${whole.low}, ${whole.high}]`,
    where: op.source,
    why: 'they are kept in 32 bits',
    help: 'keep this layer in float',
  });
}

/** Accumulators as they are, or requantized with one multiplier a channel. */
function finish(op: Op, acc: Value, build: IntegerBuilder): Value {
  if (isAccumulator(op.result)) return acc;
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const scales = hasWeights(op) ? weightScales(op) : [codesOf(op.operand(1), op.source).scale];
  const multipliers = scales.map((scale) =>
    dyadicMultiplier(realMultiplier(x.scale, scale, y.scale, op.source), op.source),
  );
  const shape =
    multipliers.length === 1 ? [] : channelShape(op.result.type as TensorType, channelAxis(op), multipliers.length);
  return build.requantize(acc, multipliers, shape, op, clampOf(op));
}
