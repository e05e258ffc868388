import { add as intAdd } from '../../dialects/int/add.ts';
import { mul as intMul } from '../../dialects/int/mul.ts';
import { table } from '../../dialects/int/table.ts';
import { sub } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import type { Op, Value } from '../../src/ir/index.ts';
import {
  dyadicMultiplier,
  realMultiplier,
  sumMultipliers,
  type TableFunction,
  unaryTable,
} from '../../src/numerics/index.ts';
import { clampOf } from '../clamps.ts';
import { createConstant } from '../constants.ts';
import { codeBounds, codesOf, type IntegerBuilder } from './builder.ts';
import { tableFunctionOf } from './unaryTables.ts';

/** nn.add, nn.sub, or one value at another scale: rescaled codes, summed and rounded once. */
export function lowerSum(op: Op, build: IntegerBuilder): Value {
  const operands = op.operands as readonly Value[];
  const xs = operands.map((x) => codesOf(x, op.source));
  const y = codesOf(op.result, op.source);
  const scales = xs.map(({ scale }, i) => (op.definition === sub && i === 1 ? -scale : scale));
  const { m, s } = sumMultipliers(scales, y.scale, op.source);
  const attributes = {
    multipliers: m,
    shift: s,
    zero_points: xs.map(({ zeroPoint }) => zeroPoint),
    zero_point: y.zeroPoint,
    ...codeBounds(y, clampOf(op)),
  };
  const types = [build.storedType(op.result)];
  return build.rewriter.create(intAdd, { xs: operands.map((x) => build.stored(x)) }, attributes, { types }).result;
}

/** nn.mul: exact products, requantized. */
export function lowerProduct(op: Op, build: IntegerBuilder): Value {
  const [a, b] = [codesOf(op.operand(0), op.source), codesOf(op.operand(1), op.source)];
  const y = codesOf(op.result, op.source);
  const operands = { a: build.stored(op.operand(0)), b: build.stored(op.operand(1)) };
  const attributes = { zero_point_a: a.zeroPoint, zero_point_b: b.zeroPoint };
  const types = [build.accumulatorType(op)];
  const product = build.rewriter.create(intMul, operands, attributes, { types }).result;
  return build.requantize(
    product,
    [dyadicMultiplier(realMultiplier(a.scale, b.scale, y.scale, op.source), op.source)],
    [],
    op,
  );
}

/** Any function of one value: a table. A clamp without bounds only changes the scale. */
export function lowerUnary(op: Op, build: IntegerBuilder): Value {
  if (op.definition === clamp) {
    const { min, max } = clamp.attributesOf(op);
    if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) return lowerSum(op, build);
  }
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const entries = unaryTable(
    tableFunctionOf(op) as TableFunction,
    { ...x, qmin: x.low, qmax: x.high },
    { ...y, qmin: y.low, qmax: y.high },
    y.storage === 'u8',
  );
  const dtype = y.storage === 'u8' ? 'u8' : 'i8';
  const constant = createConstant(build.rewriter, `${op.source}.table`, { dtype, shape: [256], data: entries });
  const types = [build.storedType(op.result)];
  return build.rewriter.create(table, { x: build.stored(op.operand(0)), table: constant }, {}, { types }).result;
}
