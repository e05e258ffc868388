import { poolSum } from '../../dialects/int/poolSum.ts';
import { reduceSum } from '../../dialects/int/reduceSum.ts';
import { normalAxes } from '../../dialects/nn/axes.ts';
import { avgPool, pool } from '../../dialects/nn/pool.ts';
import { reduceMean } from '../../dialects/nn/reduce.ts';
import { type Op, staticShape, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { averageMultiplier } from '../../src/numerics/index.ts';
import { codesOf, type IntegerBuilder } from './builder.ts';

/** nn.reduce_mean: exact sums of codes, requantized with 1/n in the multiplier. */
export function lowerMean(op: Op, build: IntegerBuilder): Value {
  const { axes, keepdims } = reduceMean.attributesOf(op);
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const shape = (op.operand(0).type as TensorType).shape;
  const count = normalAxes(axes, shape.length).reduce((n, axis) => n * (shape[axis] as number), 1);
  const attributes = { axes, keepdims, zero_point: x.zeroPoint };
  const types = [build.accumulatorType(op)];
  const acc = build.rewriter.create(reduceSum, { x: build.stored(op.operand(0)) }, attributes, { types }).result;
  return build.requantize(acc, [averageMultiplier(x.scale, y.scale, count, op.source)], [], op);
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
  const multiplier = (count: number) => averageMultiplier(x.scale, y.scale, count, op.source);
  if (counts.every((count) => count === first)) return build.requantize(acc, [multiplier(first)], [], op);
  const shape = [1, 1, ...(op.result.type as TensorType).shape.slice(2)] as number[];
  return build.requantize(acc, counts.map(multiplier), shape, op);
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
