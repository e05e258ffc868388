import { poolSum } from '../../dialects/int/poolSum.ts';
import { reduceSum } from '../../dialects/int/reduceSum.ts';
import { normalAxes } from '../../dialects/nn/axes.ts';
import { avgPool, pool } from '../../dialects/nn/pool.ts';
import { reduceMean, reduceSum as sum } from '../../dialects/nn/reduce.ts';
import { bitsOf, type Op, staticShape, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { averageMultiplier, dyadicMultiplierFor, type Multiplier } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { fitsI32, sumRange } from './accumulatorRange.ts';
import { type Codes, codesOf, type IntegerBuilder } from './builder.ts';

/** nn.reduce_mean and nn.reduce_sum: exact sums of codes, requantized with 1/n or 1 in the multiplier. */
export function lowerReduction(op: Op, build: IntegerBuilder): Value {
  const { axes, keepdims } = (op.definition === sum ? sum : reduceMean).attributesOf(op);
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const shape = (op.operand(0).type as TensorType).shape;
  const count = normalAxes(axes, shape.length).reduce((n, axis) => n * (shape[axis] as number), 1);
  const attributes = { axes, keepdims, zero_point: x.zeroPoint };
  const types = [build.accumulatorType(op)];
  const acc = build.rewriter.create(reduceSum, { x: build.stored(op.operand(0)) }, attributes, { types }).result;
  proveSum(op, count, x);
  const cells = op.definition === sum ? 1 : count;
  return build.requantize(acc, [meanMultiplier(x, y, cells, op)], [], op);
}

/** nn.avg_pool: exact sums of codes, requantized with one multiplier for each number of cells. */
export function lowerAveragePool(op: Op, build: IntegerBuilder): Value {
  const { kernel, strides, pads, count_include_pad } = avgPool.attributesOf(op);
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const attributes = { kernel, strides, pads, zero_point: x.zeroPoint };
  const types = [build.accumulatorType(op)];
  const acc = build.rewriter.create(poolSum, { x: build.stored(op.operand(0)) }, attributes, { types }).result;
  const all = kernel.reduce((a, b) => a * b, 1);
  const counts = count_include_pad ? [all] : cellsInside(op);
  const [first] = counts as [number];
  proveSum(op, all, x);
  const multiplier = (count: number) => meanMultiplier(x, y, count, op);
  if (counts.every((count) => count === first)) return build.requantize(acc, [multiplier(first)], [], op);
  const shape = [1, 1, ...(op.result.type as TensorType).shape.slice(2)] as number[];
  return build.requantize(acc, counts.map(multiplier), shape, op);
}

/** Sx/(Sy·n), with as many bits as the codes ask for. */
function meanMultiplier(x: Codes, y: Codes, count: number, op: Op): Multiplier {
  if (bitsOf(x.storage) <= 8) return averageMultiplier(x.scale, y.scale, count, op.source);
  return dyadicMultiplierFor(16, x.scale / (y.scale * count), op.source);
}

/** @throws QcError where the sum of `count` codes may leave 32 bits */
function proveSum(op: Op, count: number, { low, high, zeroPoint }: Codes): void {
  const range = sumRange(count, { low: low - zeroPoint, high: high - zeroPoint });
  if (fitsI32(range)) return;
  throw new QcError({
    what: `the sums of this layer can reach [${range.low}, ${range.high}]`,
    where: op.source,
    why: 'they are kept in 32 bits',
    help: 'keep this layer in float',
  });
}

/** For each output position of a plane, how many cells of its window lie inside the input. */
function cellsInside(op: Op): number[] {
  const { kernel, strides, pads } = avgPool.attributesOf(op);
  const plane = (type: TensorType) => staticShape(tensor([1, 1, ...type.shape.slice(2)], 'i32'));
  const [input, output] = [plane(op.operand(0).type as TensorType), plane(op.result.type as TensorType)];
  const counts = new Array<number>(output.reduce((a, b) => a * b, 1)).fill(0);
  pool(input, output, { kernel, strides, pads, dilations: kernel.map(() => 1) }, (position) => {
    counts[position] = (counts[position] as number) + 1;
  });
  return counts;
}
