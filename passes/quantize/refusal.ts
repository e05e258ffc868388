import { add, mul, sub } from '../../dialects/nn/binary.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { avgPool } from '../../dialects/nn/pool.ts';
import { reduceMean } from '../../dialects/nn/reduce.ts';
import { type Op, type QuantType, type TensorType, uniformParams, type Value } from '../../src/ir/index.ts';
import {
  dyadicMultiplier,
  dyadicMultiplier24,
  dyadicMultiplierFor,
  fitBias,
  realMultiplier,
  sumMultipliers,
  sumMultipliers16,
} from '../../src/numerics/index.ts';
import type { WeightScheme } from '../../src/scheme/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { weightAxis } from '../channels.ts';
import { floatConstantOf } from '../constants.ts';
import { activationOperands, isContraction, isMove } from './capabilities.ts';
import { constantType } from './constantType.ts';
import { groupedMatrix, isGrouped } from './groupedWeights.ts';
import { weightScalesOf } from './weightScales.ts';

/** The quantized type that a value will get; undefined where calibration gave it no range. */
export type TypeOf = (value: Value) => QuantType | undefined;

/**
 * Why an op cannot be computed on codes, given the types of its operands and of its result (`result` is undefined
 * where the accumulator is kept); undefined where it can.
 */
export function refusalOf(
  op: Op,
  typeOf: TypeOf,
  result: Value | undefined,
  weights: WeightScheme,
): string | undefined {
  const untyped = activationOperands(op).find((i) => !isTyped(op.operand(i), typeOf));
  if (untyped !== undefined) return `the values of operand ${untyped} have no usable range`;
  if (result && !typeOf(result)) return 'its results have no usable range';
  try {
    check(op, typeOf, result, weights);
    return undefined;
  } catch (error) {
    if (error instanceof QcError) return error.diagnostic.what;
    throw error;
  }
}

function isTyped(value: Value, typeOf: TypeOf): boolean {
  const found = floatConstantOf(value);
  return found ? found.data.length > 0 && (found.data as Float32Array).every(Number.isFinite) : !!typeOf(value);
}

/** Does the arithmetic that `to-integer` will do. @throws QcError where a number does not fit */
function check(op: Op, typeOf: TypeOf, result: Value | undefined, weights: WeightScheme): void {
  const scales = activationOperands(op).map((i) => scaleFor(op.operand(i), typeOf, op));
  const y = result && scaleOf(typeOf(result) as QuantType);
  const isWide = (value: Value | undefined) => !!value && typeOf(value)?.storage === 'i16';
  const values = [...activationOperands(op).map((i) => op.operand(i)), result];
  const bits = values.some(isWide) ? 16 : 8;
  if (isContraction(op)) checkContraction(op, scales, y, weights, { bits, isWide: isWide(op.operand(0)) });
  if (isContraction(op) || isMove(op) || y === undefined) return;
  checkComputed(op, scales, y, bits);
}

/**
 * Whether multipliers for the scales of the operands and of the result exist.
 * @param bits of the widest codes among them
 * @throws QcError where one does not
 */
export function checkComputed(op: Op, scales: readonly number[], y: number, bits: 8 | 16 = 8): void {
  const multipliers = bits > 8 ? sumMultipliers16 : sumMultipliers;
  const { definition } = op;
  if (definition === concat) for (const scale of scales) multipliers([scale], y, op.source);
  if (definition === add || definition === sub) multipliers(scales, y, op.source);
  if (definition === mul) {
    dyadicMultiplierFor(bits, realMultiplier(scales[0] as number, scales[1] as number, y), op.source);
  }
  if (definition === reduceMean || definition === avgPool) {
    dyadicMultiplierFor(bits, realMultiplier(scales[0] as number, 1, y), op.source);
    checkDepth(cellsOf(op), 2 ** bits - 1, 0);
  }
}

const scaleOf = (type: QuantType): number => (uniformParams(type) as { scale: number }).scale;

function scaleFor(value: Value, typeOf: TypeOf, op: Op): number {
  const numbers = floatConstantOf(value)?.data as Float32Array | undefined;
  return scaleOf(numbers ? constantType(numbers, op.source) : (typeOf(value) as QuantType));
}

function checkContraction(
  op: Op,
  scales: readonly number[],
  y: number | undefined,
  scheme: WeightScheme,
  { bits, isWide }: { readonly bits: 8 | 16; readonly isWide: boolean },
): void {
  const [x = 1, other = 1] = scales;
  const multiplier = bits > 8 ? dyadicMultiplier24 : dyadicMultiplier;
  if (op.definition === matmul && !floatConstantOf(op.operands[1])) {
    if (y !== undefined) multiplier(realMultiplier(x, other, y), op.source);
    else if (isWide) return;
    const depth = (op.operand(0).type as TensorType).shape.at(-1);
    if (typeof depth !== 'number') throw new QcError({ what: 'the depth of its sums is not known' });
    checkDepth(depth, 255 * 255, 0);
    return;
  }
  const weights = floatConstantOf(op.operands[1]) as HostTensor;
  const axis = weightAxis(op);
  if (isGrouped(op, scheme) && isWide) throw new QcError({ what: 'weights in groups multiply codes of 8 bits' });
  const grouped = isGrouped(op, scheme) ? groupedMatrix(weights, scheme) : undefined;
  const chosen = grouped?.units ?? weightScalesOf(weights, axis, scheme, op.source);
  const bias = floatConstantOf(op.operands[2])?.data;
  const depths = codeSums(weights, axis, chosen, grouped?.steps);
  chosen.forEach((scale, c) => {
    const { code, weightScale } = fitBias((bias?.[c] as number) ?? 0, x, scale, false, op.source);
    if (y !== undefined) multiplier(realMultiplier(x, weightScale, y), op.source);
    checkDepth(depths[c] as number, isWide ? 2 ** 15 : 255, Math.abs(code));
  });
}

/** An upper bound of Σ |code| for each channel: every code is half a step off at most, in groups half of so many. */
function codeSums(
  { data, shape }: HostTensor,
  axis: number,
  scales: readonly number[],
  steps: readonly number[] = [1],
): Float64Array {
  const off = steps.reduce((a, b) => Math.max(a, b)) / 2;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const sums = new Float64Array(scales.length);
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / inner) % scales.length;
    sums[c] = (sums[c] as number) + Math.abs(data[i] as number) / (scales[c] as number) + off;
  }
  return sums;
}

/** Sums are kept in 32 bits. */
function checkDepth(count: number, term: number, start: number): void {
  if (count * term + start < 2 ** 31) return;
  throw new QcError({ what: `its sums can reach ${count * term + start}, beyond 32 bits` });
}

/** How many elements go into one mean. */
function cellsOf(op: Op): number {
  const elements = (value: Value) =>
    (value.type as TensorType).shape.slice(1).reduce<number>((n, d) => n * (d as number), 1);
  if (op.definition === avgPool) return avgPool.attributesOf(op).kernel.reduce((a, b) => a * b, 1);
  return elements(op.operand(0));
}
