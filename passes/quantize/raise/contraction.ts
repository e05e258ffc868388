import { clamp } from '../../../dialects/nn/clamp.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { dcast } from '../../../dialects/quant/dcast.ts';
import {
  type Granularity,
  integerRange,
  type Op,
  type QuantType,
  quantParams,
  quantType,
  type Rewriter,
  type TensorType,
  uniformParams,
  type Value,
  withElement,
} from '../../../src/ir/index.ts';
import { dyadicMultiplier, dyadicMultiplier24, realMultiplier } from '../../../src/numerics/index.ts';
import { channelAxis, weightAxis } from '../../channels.ts';
import { clampOf } from '../../clamps.ts';
import { createConstant } from '../../constants.ts';
import { contractionRanges, fitsI32 } from '../../integer/accumulatorRange.ts';
import { differences } from '../../integer/contractions.ts';
import { biasSteps } from './bias.ts';
import {
  codesBehind,
  commonCodes,
  computable,
  quantTypeOf,
  replaceReaders,
  scaleOf,
  signedType,
  widestBits,
} from './codes.ts';
import { type WeightCodes, weightCodes } from './weights.ts';

/** A convolution or matrix product on codes; a string says why it stays float. @throws QcError as a reason, too */
export function raiseContraction(rewriter: Rewriter, op: Op): string | undefined {
  const x = codesBehind(rewriter, op.operands[0]);
  if (!x) return `its input is not stored ${computable}`;
  const weights = weightCodes(op);
  if (typeof weights !== 'string') return raiseLayer(rewriter, op, x, weights);
  const b = op.definition === matmul && !op.operands[2] ? codesBehind(rewriter, op.operands[1]) : undefined;
  if (!b) return weights;
  if (widestBits([x, b].map(quantTypeOf)) > 8) return 'sums of products of 16-bit codes do not fit 32 bits';
  if ((x.type as TensorType).shape.length < 2 || (b.type as TensorType).shape.length < 2) return 'it has a vector';
  finish(rewriter, op, [x, b], [scaleOf(quantTypeOf(b))]);
  return undefined;
}

function raiseLayer(rewriter: Rewriter, op: Op, x: Value, weights: WeightCodes): string | undefined {
  const { scale, zeroPoint } = uniformParams(quantTypeOf(x)) as { scale: number; zeroPoint: number };
  const bias = biasSteps(op, scale, weights.scales);
  if (typeof bias === 'string') return bias;
  const axis = weightAxis(op);
  const range = integerRange(quantTypeOf(x).storage);
  const centred = { ...weights.codes, data: differences(weights.codes, axis, weights.zeroPoints) };
  const ranges = contractionRanges(centred, axis, bias, zeroPoint, range);
  if (!ranges.every(fitsI32)) return 'its sums may not fit 32 bits';
  rewriter.before(op);
  const element = perIndex('i8', axis, weights.scales, weights.zeroPoints);
  const operands = [x, createConstant(rewriter, weights.name, weights.codes, element)];
  if (bias) {
    const steps = weights.scales.map((one) => scale * one);
    const codes = { dtype: 'i32' as const, shape: [bias.length], data: bias };
    operands.push(createConstant(rewriter, `${op.source}.bias`, codes, perIndex('i32', 0, steps)));
  }
  finish(rewriter, op, operands, weights.scales);
  return undefined;
}

function perIndex(
  storage: 'i8' | 'i32',
  axis: number,
  scale: readonly number[],
  zeroPoint: readonly number[] = scale.map(() => 0),
): QuantType {
  return quantType({ storage, granularity: { kind: 'axis', axis }, params: quantParams({ scale, zeroPoint }) });
}

/** The op on codes: with codes as its result where every reader wants the same ones, else with its exact sums. */
function finish(rewriter: Rewriter, op: Op, operands: readonly Value[], scales: readonly number[]): void {
  const type = op.result.type as TensorType;
  const inputScale = scaleOf(quantTypeOf(operands[0] as Value));
  const wanted = commonCodes(op.result);
  if (wanted) {
    const result = signedType(wanted);
    const multiplier =
      widestBits([quantTypeOf(operands[0] as Value), result]) > 8 ? dyadicMultiplier24 : dyadicMultiplier;
    for (const scale of scales) multiplier(realMultiplier(inputScale, scale, scaleOf(result), op.source));
    rewriter.before(op);
    const types = [withElement(type, result)];
    const made = rewriter.createRaw(op.definition, operands, op.attributes, { types, source: op.source });
    replaceReaders(rewriter, op.result, made.result);
    return;
  }
  const granularity: Granularity = scales.length === 1 ? { kind: 'tensor' } : { kind: 'axis', axis: channelAxis(op) };
  const params = quantParams({ scale: scales.map((scale) => inputScale * scale) });
  const types = [withElement(type, quantType({ storage: 'i32', granularity, params }))];
  const [min, max] = clampOf(op);
  rewriter.before(op);
  const attributes = { ...op.attributes, clamp: [-Infinity, Infinity] };
  const sums = rewriter.createRaw(op.definition, operands, attributes, { types, source: op.source }).result;
  const real = rewriter.create(dcast, { x: sums }, {}, { types: [type] }).result;
  const limited = min > -Infinity || max < Infinity ? rewriter.create(clamp, { x: real }, { min, max }).result : real;
  rewriter.replace(op, [limited]);
}
