import { interpolate as intInterpolate } from '../../dialects/int/interpolate.ts';
import { sqrt as intSqrt } from '../../dialects/int/sqrt.ts';
import { table } from '../../dialects/int/table.ts';
import { bitsOf, type Op, type Value } from '../../src/ir/index.ts';
import { interpolate, rootMultiplier, type TableFunction, unaryTable } from '../../src/numerics/index.ts';
import { createConstant, createInts } from '../constants.ts';
import { type Codes, codesOf, type IntegerBuilder } from './builder.ts';
import { tableFunctionOf } from './unaryTables.ts';

/** Any function of one value: of 8 bits a table, of 16 bits cubic pieces between knots. */
export function lowerFunction(op: Op, build: IntegerBuilder): Value {
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const f = tableFunctionOf(op) as TableFunction;
  if (x.storage === 'i32') return rooted(op, x, y, build);
  return bitsOf(x.storage) > 8 ? interpolated(op, f, x, y, build) : looked(op, f, x, y, build);
}

/** Of values of 32 bits there is the square root alone. */
function rooted(op: Op, x: Codes, y: Codes, build: IntegerBuilder): Value {
  const { m, s } = rootMultiplier(x.scale, y.scale, op.source);
  const attributes = { multiplier: m, shift: s, zero_point: y.zeroPoint, min: y.low, max: y.high };
  const types = [build.storedType(op.result)];
  return build.rewriter.create(intSqrt, { x: build.stored(op.operand(0)) }, attributes, { types }).result;
}

function looked(op: Op, f: TableFunction, x: Codes, y: Codes, build: IntegerBuilder): Value {
  const entries = unaryTable(
    f,
    { ...x, qmin: x.low, qmax: x.high },
    { ...y, qmin: y.low, qmax: y.high },
    y.storage === 'u8',
  );
  const dtype = y.storage as 'i8';
  const constant = createConstant(build.rewriter, `${op.source}.table`, { dtype, shape: [256], data: entries });
  const types = [build.storedType(op.result)];
  return build.rewriter.create(table, { x: build.stored(op.operand(0)), table: constant }, {}, { types }).result;
}

function interpolated(op: Op, f: TableFunction, x: Codes, y: Codes, build: IntegerBuilder): Value {
  const { r, knots, bends } = interpolate(f, x, { ...y, qmin: y.low, qmax: y.high });
  build.report(`${op.source}: ${op.name} of 16 bits by ${bends ? `${knots.length - 1} pieces` : 'a table'}`);
  const ints = (name: string, values: Int32Array) =>
    createInts(build.rewriter, `${op.source}.${name}`, [values.length], values);
  const operands = {
    x: build.stored(op.operand(0)),
    knots: ints('knots', knots),
    bends: bends && ints('bends', bends),
  };
  const attributes = { r, zero_point: y.zeroPoint, min: y.low, max: y.high };
  const types = [build.storedType(op.result)];
  return build.rewriter.create(intInterpolate, operands, attributes, { types }).result;
}
