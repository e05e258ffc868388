import { conv as intConv } from '../../dialects/int/conv.ts';
import { matmul as intMatmul } from '../../dialects/int/matmul.ts';
import { mul, sub } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { pad } from '../../dialects/nn/pad.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { scast } from '../../dialects/quant/scast.ts';
import {
  bitsOf,
  type Op,
  type QuantParams,
  type QuantType,
  quantOf,
  staticShape,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { dyadicMultiplier, dyadicMultipliers24, fitBias, realMultiplier } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { channelAxis, weightAxis } from '../channels.ts';
import { type Bounds, clampOf } from '../clamps.ts';
import { constantOf, createConstant, createInts, floatConstantOf } from '../constants.ts';
import { isMove } from '../quantize/capabilities.ts';
import { channelShape } from '../transform/affine.ts';
import {
  bitsNeeded,
  contractionRanges,
  fitsI32,
  type Interval,
  type ProvedInterval,
  sumRange,
} from './accumulatorRange.ts';
import { type Codes, codeBounds, codesOf, type IntegerBuilder, isAccumulator } from './builder.ts';
import { groupedSums, groupedWeights } from './groupedMatmul.ts';

/** nn.conv on codes: exact sums, then one requantization a channel. */
export function lowerConv(op: Op, build: IntegerBuilder): Value {
  const { strides, pads, dilations, group } = conv.attributesOf(op);
  const { zeroPoint } = codesOf(op.operand(0), op.source);
  const bias = biasCodes(op, build);
  prove(op, weightRanges(op, bias?.codes), build);
  const operands = { x: build.stored(op.operand(0)), w: build.stored(op.operand(1)), bias: bias?.value };
  const attributes = { strides, pads, dilations, group, zero_point: zeroPoint };
  const types = [build.accumulatorType(op)];
  const acc = build.rewriter.create(intConv, operands, attributes, { types }).result;
  const zeros = weightZeros(op);
  if (!zeros) return finish(op, acc, build);
  const { shape } = op.result.type as TensorType;
  const ones = onesLike(op.operand(1), 0, op, build);
  const sums = build.rewriter.create(intConv, { x: operands.x, w: ones }, attributes, {
    types: [tensor(shape.with(1, 1), 'i32')],
  }).result;
  return finish(op, withoutZeros(acc, sums, zeros, op, build), build);
}

/** nn.matmul on codes, with constant weights or between two activations. */
export function lowerMatmul(op: Op, build: IntegerBuilder): Value {
  const a = codesOf(op.operand(0), op.source);
  const types = [build.accumulatorType(op)];
  if (hasWeights(op)) {
    const bias = biasCodes(op, build);
    prove(op, weightRanges(op, bias?.codes), build);
    const grouped = groupedWeights(op);
    if (grouped) return finish(op, groupedSums(op, grouped, a.zeroPoint, bias?.codes, build), build);
    const operands = { a: build.stored(op.operand(0)), b: build.stored(op.operand(1)) };
    const attributes = { zero_point_a: a.zeroPoint, zero_point_b: 0 };
    const acc = build.rewriter.create(intMatmul, { ...operands, bias: bias?.value }, attributes, { types }).result;
    const zeros = weightZeros(op);
    if (!zeros) return finish(op, acc, build);
    const { shape } = op.result.type as TensorType;
    const b = onesLike(op.operand(1), weightAxis(op), op, build);
    const sums = build.rewriter.create(intMatmul, { a: operands.a, b }, attributes, {
      types: [tensor(shape.with(-1, 1), 'i32')],
    }).result;
    return finish(op, withoutZeros(acc, sums, zeros, op, build), build);
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
  const operands = { a: build.stored(op.operand(0)), b: build.stored(op.operand(1)) };
  const attributes = { zero_point_a: a.zeroPoint, zero_point_b: b.zeroPoint };
  return finish(op, build.rewriter.create(intMatmul, operands, attributes, { types }).result, build);
}

/** The codes that a value can have: where it is made of clamped floats or by a rounding with bounds, those of the bounds. */
function codeRange(value: Value, codes: Codes): Interval {
  const made = value.op;
  if (qcast.is(made)) {
    const { min, max } = codeBounds(codes, clampBounds(made.operand(0).op));
    return { low: min, high: max };
  }
  const { min, max } = made?.attributes ?? {};
  if (made?.name.startsWith('int.') && typeof min === 'number' && typeof max === 'number')
    return { low: min, high: max };
  const carries = made && (scast.is(made) || isMove(made)) && made.definition !== pad;
  return carries ? codeRange(made.operand(0), codes) : codes;
}

function clampBounds(op: Op | undefined): Bounds {
  if (!clamp.is(op)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const { min, max } = clamp.attributesOf(op);
  return [min, max];
}

/** The zero points of weights, one a channel; undefined where all are 0. */
function weightZeros(op: Op): readonly number[] | undefined {
  const { params } = quantOf(op.operand(1).type as TensorType) as QuantType;
  const { zeroPoint } = params as QuantParams;
  return zeroPoint.some((z) => z !== 0) ? zeroPoint : undefined;
}

/** Weights of 1 in the shape of others, for one output channel. */
function onesLike(weights: Value, axis: number, op: Op, build: IntegerBuilder): Value {
  const shape = staticShape(weights.type as TensorType).with(axis, 1);
  const data = new Int8Array(shape.reduce((a, b) => a * b, 1)).fill(1);
  return createConstant(build.rewriter, `${op.source}.ones`, { dtype: 'i8', shape, data });
}

// Σ (x − zx)·(w − zw) == Σ (x − zx)·w − zw·Σ (x − zx), modulo 2^32 at every step
function withoutZeros(acc: Value, sums: Value, zeros: readonly number[], op: Op, build: IntegerBuilder): Value {
  const shape = channelShape(op.result.type as TensorType, channelAxis(op), zeros.length);
  const b = createInts(build.rewriter, `${op.source}.zero_points`, shape, zeros);
  const share = build.rewriter.create(mul, { a: sums, b }).result;
  return build.rewriter.create(sub, { a: acc, b: share }).result;
}

/** Whether the second operand holds weights, with scales of output channels or of groups within them. */
function hasWeights(op: Op): boolean {
  const { kind } = quantOf(op.operand(1).type as TensorType)?.granularity ?? {};
  return kind === 'axis' || kind === 'block';
}

/** Of output channels; in groups, what their sums are multiplied by. */
function weightScales(op: Op): readonly number[] {
  const grouped = groupedWeights(op);
  if (grouped) return grouped.units;
  const { params } = quantOf(op.operand(1).type as TensorType) as QuantType;
  return (params as QuantParams).scale;
}

/** The bias in units of the accumulator. `quantize` has chosen weight scales with which it fits. */
function biasCodes(op: Op, build: IntegerBuilder): { value: Value; codes: Int32Array } | undefined {
  const given = op.operands[2];
  if (given && isAccumulator(given)) {
    return { value: build.stored(given), codes: (constantOf(given) as HostTensor).data as Int32Array };
  }
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

function weightRanges(op: Op, bias: Int32Array | undefined): ProvedInterval[] {
  const { zeroPoint, low, high } = codesOf(op.operand(0), op.source);
  const codes = groupedWeights(op)?.inUnits ?? (constantOf(op.operand(1)) as HostTensor);
  const axis = weightAxis(op);
  const zeros = weightZeros(op);
  const weights = zeros ? { ...codes, data: differences(codes, axis, zeros) } : codes;
  return contractionRanges(weights, axis, bias, zeroPoint, [low, high]);
}

/** Codes less the zero point of their channel. */
export function differences({ data, shape }: HostTensor, axis: number, zeros: readonly number[]): Int16Array {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return Int16Array.from(
    data as Int8Array,
    (code, i) => code - (zeros[Math.floor(i / inner) % zeros.length] as number),
  );
}

/**
 * Reports that the sums fit 32 bits, and why: the positive weights of a channel and its negative ones, each times the
 * code farthest from the zero point, and the bias. @throws QcError where they may not
 */
function prove(op: Op, ranges: readonly ProvedInterval[], build: IntegerBuilder): void {
  const least = ranges.reduce((a, b) => (b.low < a.low ? b : a));
  const most = ranges.reduce((a, b) => (b.high > a.high ? b : a));
  const whole = { low: least.low, high: most.high };
  if (fitsI32(whole)) {
    const proof = `${whole.low} = ${least.proof.low}, ${whole.high} = ${most.proof.high}`;
    build.report(`${op.source}: sums lie in [${whole.low}, ${whole.high}], ${bitsNeeded(whole)} bits: ${proof}`);
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
  const reals = scales.map((scale) => realMultiplier(x.scale, scale, y.scale, op.source));
  const isWide = Math.max(bitsOf(x.storage), bitsOf(y.storage)) > 8;
  const multipliers = isWide
    ? dyadicMultipliers24(reals, op.source)
    : reals.map((real) => dyadicMultiplier(real, op.source));
  const shape =
    multipliers.length === 1 ? [] : channelShape(op.result.type as TensorType, channelAxis(op), multipliers.length);
  return build.requantize(acc, multipliers, shape, op, clampOf(op));
}
