import { normalize as intNormalize } from '../../dialects/int/normalize.ts';
import { softmax as intSoftmax } from '../../dialects/int/softmax.ts';
import { normalAxis } from '../../dialects/nn/axes.ts';
import { normalize } from '../../dialects/nn/layerNorm.ts';
import { softmax } from '../../dialects/nn/softmax.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import { bitsOf, type Op, staticShape, type TensorType, type Value, withElement } from '../../src/ir/index.ts';
import {
  normConstants,
  SOFTMAX_MAX_ROW,
  softmaxOutputMultiplier,
  softmaxTable,
  wideExponential,
} from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { createConstant } from '../constants.ts';
import { type Codes, codesOf, type IntegerBuilder } from './builder.ts';

/** nn.softmax: exponentials from tables, shares by one reciprocal a row. */
export function lowerSoftmax(op: Op, build: IntegerBuilder): Value {
  const { rewriter } = build;
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const shape = staticShape(op.result.type as TensorType);
  const last = shape.length - 1;
  const axis = normalAxis(softmax.attributesOf(op).axis, shape.length);
  const perm = shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
  const length = shape[axis] as number;
  if (length > SOFTMAX_MAX_ROW) throw tooLong(op, length);
  const stored = build.stored(op.operand(0));
  const scores = axis === last ? stored : rewriter.create(transpose, { x: stored }, { perm }).result;
  const { m, s } = softmaxOutputMultiplier(y.scale, op.source);
  const attributes = { multiplier: m, shift: s, zero_point: y.zeroPoint, min: y.low, max: y.high };
  const types = [withElement(scores.type as TensorType, y.storage)];
  const p = rewriter.create(intSoftmax, { x: scores, ...exponentials(op, x, build) }, attributes, { types }).result;
  return axis === last ? p : rewriter.create(transpose, { x: p }, { perm }).result;
}

function exponentials(op: Op, { scale, storage }: Codes, build: IntegerBuilder): { high: Value; low?: Value } {
  const table = (name: string, data: Uint16Array) =>
    createConstant(build.rewriter, `${op.source}.${name}`, { dtype: 'u16', shape: [256], data });
  if (bitsOf(storage) <= 8) return { high: table('exponential', softmaxTable(scale)) };
  const { high, low } = wideExponential(scale);
  return { high: table('exponential', high), low: table('exponential.low', low) };
}

function tooLong(op: Op, length: number): QcError {
  return new QcError({
    what: `a softmax over ${length} values`,
    where: op.source,
    why: `its sum is kept in 32 bits, which hold ${SOFTMAX_MAX_ROW} exponentials`,
    help: 'compile with --scheme w8a8, in which it stays float',
  });
}

/** nn.normalize: exact sums of squares, and the root of their reciprocal. */
export function lowerNormalize(op: Op, build: IntegerBuilder): Value {
  const { axis, epsilon, center } = normalize.attributesOf(op);
  const x = codesOf(op.operand(0), op.source);
  const y = codesOf(op.result, op.source);
  const shape = staticShape(op.result.type as TensorType);
  const length = shape.slice(normalAxis(axis, shape.length)).reduce((n, d) => n * d, 1);
  const {
    t,
    epsilon: least,
    k,
    s,
    m,
  } = normConstants({
    kind: center ? 'layer' : 'rms',
    n: length,
    bits: bitsOf(x.storage) > 8 ? 16 : 8,
    S: x.scale,
    epsilon,
    gamma: new Float32Array(length).fill(1),
    Sy: y.scale,
    where: op.source,
  });
  const attributes = {
    ...{ length, center, input_zero_point: x.zeroPoint, t, epsilon: Number(least), k },
    ...{ multiplier: m[0] as number, shift: s, zero_point: y.zeroPoint, min: y.low, max: y.high },
  };
  const types = [build.storedType(op.result)];
  return build.rewriter.create(intNormalize, { x: build.stored(op.operand(0)) }, attributes, { types }).result;
}
