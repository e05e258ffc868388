import { requantize } from '../../dialects/int/requantize.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { scast } from '../../dialects/quant/scast.ts';
import {
  integerRange,
  type Op,
  type QuantType,
  quantOf,
  type Rewriter,
  type ScalarType,
  storageOf,
  type TensorType,
  uniformParams,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { clamp, halfEven, type Multiplier } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { Bounds } from '../clamps.ts';
import { createInts } from '../constants.ts';

/** How the codes of a value stand for real numbers, and which codes there are. */
export interface Codes {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly storage: ScalarType;
  readonly low: number;
  readonly high: number;
}

/** The codes of a value of a quantized type with one scale. @throws QcError on any other type */
export function codesOf(value: Value, where: string): Codes {
  const type = quantOf(value.type as TensorType);
  const params = type && uniformParams(type);
  if (!type || !params) {
    throw new QcError({
      what: `a value of type ${value.type.key} where codes with one scale are needed`,
      where,
      help: 'run quantize first, or keep this layer in float',
    });
  }
  const [low, high] = integerRange(type.storage);
  return { ...params, storage: type.storage, low, high };
}

/** Smallest and largest code of a result that is clamped to real [min, max]: half_even(bound/S) + z. */
export function codeBounds(codes: Codes, [min, max]: Bounds): { min: number; max: number } {
  const { scale, zeroPoint, low, high } = codes;
  const code = (bound: number) => clamp(halfEven(bound / scale) + zeroPoint, low, high);
  return {
    min: min === Number.NEGATIVE_INFINITY ? low : code(min),
    max: max === Number.POSITIVE_INFINITY ? high : code(max),
  };
}

const unbounded: Bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** Makes integer ops in the place of one quantized op. */
export class IntegerBuilder {
  readonly rewriter: Rewriter;
  readonly report: (line: string) => void;

  constructor(rewriter: Rewriter, report: (line: string) => void) {
    this.rewriter = rewriter;
    this.report = report;
  }

  /** The stored integers of a quantized value. */
  stored(value: Value): Value {
    const { type, op } = value as Value & { type: TensorType };
    const plain = withElement(type, storageOf(type.element));
    if (scast.is(op) && op.operand(0).type === plain) return op.operand(0);
    if (constant.is(op))
      return this.rewriter.create(constant, {}, op.attributes, { types: [plain], source: op.source }).result;
    return this.rewriter.create(scast, { x: value }, {}, { types: [plain] }).result;
  }

  /** The type of `value` with plain integers as elements. */
  storedType(value: Value): TensorType {
    const type = value.type as TensorType;
    return withElement(type, storageOf(type.element));
  }

  /**
   * Accumulators as codes of the result of `op`. `multipliers` are laid out as a tensor of `shape`, which broadcasts
   * against them.
   */
  requantize(
    acc: Value,
    multipliers: readonly Multiplier[],
    shape: readonly number[],
    op: Op,
    bounds: Bounds = unbounded,
  ): Value {
    const codes = codesOf(op.result, op.source);
    const m = createInts(
      this.rewriter,
      `${op.source}.multiplier`,
      shape,
      multipliers.map((one) => one.m),
    );
    const s = createInts(
      this.rewriter,
      `${op.source}.shift`,
      shape,
      multipliers.map((one) => one.s),
    );
    const attributes = { zero_point: codes.zeroPoint, ...codeBounds(codes, bounds) };
    const types = [this.storedType(op.result)];
    return this.rewriter.create(requantize, { acc, multiplier: m, shift: s }, attributes, { types }).result;
  }

  /** The accumulators of `op`: a tensor of i32 of the shape of its result. */
  accumulatorType(op: Op): TensorType {
    return withElement(op.result.type as TensorType, 'i32');
  }
}

/** Whether a value's type holds accumulators: 32-bit codes. */
export function isAccumulator(value: Value): boolean {
  const type = quantOf(value.type as TensorType) as QuantType | undefined;
  return type?.storage === 'i32';
}
