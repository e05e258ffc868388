import { conv } from '../../dialects/int/conv.ts';
import { matmul } from '../../dialects/int/matmul.ts';
import { mul } from '../../dialects/int/mul.ts';
import { poolSum } from '../../dialects/int/poolSum.ts';
import { reduceSum } from '../../dialects/int/reduceSum.ts';
import {
  floorDivDim,
  integerRange,
  type Op,
  productOf,
  storageOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { constantOf } from '../constants.ts';
import { contractionRanges, fitsI32, type Interval } from '../integer/accumulatorRange.ts';

/** Every i32: what is known of an accumulator that nothing is known of. */
export const anyI32: Interval = { low: -(2 ** 31), high: 2 ** 31 - 1 };

const typeOf = (op: Op, index: number): TensorType => op.operand(index).type as TensorType;

/** Smallest and largest difference of a code from its zero point. */
function differences(op: Op, index: number, zeroPoint: number): Interval {
  const [low, high] = integerRange(storageOf(typeOf(op, index).element));
  return { low: low - zeroPoint, high: high - zeroPoint };
}

/** The range of the product of two differences. */
function products(op: Op, zeroPointA: number, zeroPointB: number): Interval {
  const [a, b] = [differences(op, 0, zeroPointA), differences(op, 1, zeroPointB)];
  const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  return { low: Math.min(...corners), high: Math.max(...corners) };
}

/** The range of a sum of `count` differences. */
const summed = ({ low, high }: Interval, count: number): Interval => ({ low: low * count, high: high * count });

/**
 * What accumulators can be: one interval for each output channel of a contraction with constant weights, one for
 * all elsewhere, or undefined where nothing is known.
 */
export function accumulatorRanges(acc: Value): Interval[] | undefined {
  const made = acc.op;
  if (conv.is(made) || matmul.is(made)) return rangesOfContraction(made);
  if (mul.is(made)) {
    const { zero_point_a, zero_point_b } = mul.attributesOf(made);
    return [products(made, zero_point_a, zero_point_b)];
  }
  if (poolSum.is(made)) {
    const { kernel, zero_point } = poolSum.attributesOf(made);
    return [
      summed(
        differences(made, 0, zero_point),
        kernel.reduce((n, d) => n * d, 1),
      ),
    ];
  }
  if (reduceSum.is(made)) {
    const count = floorDivDim(productOf(typeOf(made, 0).shape), productOf((made.result.type as TensorType).shape));
    if (typeof count !== 'number') return undefined;
    return [summed(differences(made, 0, reduceSum.attributesOf(made).zero_point), count)];
  }
  return undefined;
}

/**
 * The ranges of `accumulatorRanges` for each of `count` channels that are rescaled in ways of their own; where one way
 * serves all, the range of all.
 */
export function rangesToRescale(acc: Value, count: number): Interval[] | undefined {
  const ranges = accumulatorRanges(acc);
  if (!ranges || ranges.length === count) return ranges;
  const low = ranges.reduce((least, range) => Math.min(least, range.low), Number.POSITIVE_INFINITY);
  const high = ranges.reduce((most, range) => Math.max(most, range.high), Number.NEGATIVE_INFINITY);
  return Array.from({ length: count }, () => ({ low, high }));
}

function rangesOfContraction(made: Op): Interval[] | undefined {
  const weights = constantOf(made.operands[1]);
  if (!weights && matmul.is(made)) {
    const { zero_point_a, zero_point_b } = matmul.attributesOf(made);
    const depth = typeOf(made, 0).shape.at(-1);
    if (typeof depth !== 'number') return undefined;
    const whole = summed(products(made, zero_point_a, zero_point_b), depth);
    return fitsI32(whole) ? [whole] : undefined;
  }
  if (!weights || weights.shape.length < 2) return undefined;
  const codes = integerRange(storageOf(typeOf(made, 0).element));
  const bias = constantOf(made.operands[2])?.data as Int32Array | undefined;
  if (conv.is(made)) return contractionRanges(weights, 0, bias, conv.attributesOf(made).zero_point, codes);
  const { zero_point_a, zero_point_b } = matmul.attributesOf(made);
  if (zero_point_b !== 0) return undefined;
  return contractionRanges(weights, weights.shape.length - 1, bias, zero_point_a, codes);
}
