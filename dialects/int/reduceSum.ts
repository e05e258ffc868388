import { attr, defineOp, staticShape, type TensorType, type Value } from '../../src/ir/index.ts';
import { normalAxes } from '../nn/axes.ts';
import { reduceElements } from '../nn/reduce.ts';

/** A sum of codes over axes: the first half of a mean; a requantize follows. */
export const reduceSum = defineOp({
  name: 'int.reduce_sum',
  summary: 'y = Σ (x − z) over `axes`, exact in i32.',
  operands: { x: 'required' },
  attributes: { axes: attr.ints(), keepdims: attr.bool(true), zero_point: attr.int(0) },
  domain: 'codes',
  evaluate({ x }, { axes, zero_point }, { results }) {
    const sums = reduceElements(x, axes, 0, (total, code) => total + code - zero_point);
    return { dtype: 'i32', shape: staticShape(results[0] as TensorType), data: Int32Array.from(sums) };
  },
  lower: {
    kind: 'reduce',
    axes: (op): readonly number[] =>
      normalAxes(reduceSum.attributesOf(op).axes, (op.operand(0).type as TensorType).shape.length),
    init: () => 0,
    accumulator: () => 'i32',
    prepare(k, x, op): Value {
      const code = k.convert(x, 'i32');
      return k.sub(code, k.constant(reduceSum.attributesOf(op).zero_point, 'i32', code));
    },
    combine: (k, accumulator, x) => k.add(accumulator, x),
  },
});
