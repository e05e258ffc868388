import { add as intAdd } from '../../dialects/int/add.ts';
import { mul as intMul } from '../../dialects/int/mul.ts';
import { mulShift as intMulShift } from '../../dialects/int/mulShift.ts';
import { sub } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { bitsOf, type Op, type TensorType, type Value } from '../../src/ir/index.ts';
import {
  carriedShift,
  dyadicMultiplierFor,
  realMultiplier,
  sumMultipliers,
  sumMultipliers16,
  sumMultipliers32,
} from '../../src/numerics/index.ts';
import { clampOf } from '../clamps.ts';
import { constantOf } from '../constants.ts';
import { type Codes, codeBounds, codesOf, type IntegerBuilder } from './builder.ts';
import { lowerFunction } from './functions.ts';

/** The most bits that any of the codes has. */
const widest = (all: readonly Codes[]): number => Math.max(...all.map(({ storage }) => bitsOf(storage)));

/** Codes rescaled by signed scales, summed and rounded once. */
function rescaledSum(
  op: Op,
  operands: readonly Value[],
  xs: readonly Codes[],
  bounds: readonly [number, number],
  build: IntegerBuilder,
): Value {
  const y = codesOf(op.result, op.source);
  const multipliers = widest(xs) > 16 ? sumMultipliers32 : widest([...xs, y]) > 8 ? sumMultipliers16 : sumMultipliers;
  const { m, s } = multipliers(
    xs.map(({ scale }) => scale),
    y.scale,
    op.source,
  );
  const attributes = {
    multipliers: m,
    shift: s,
    zero_points: xs.map(({ zeroPoint }) => zeroPoint),
    zero_point: y.zeroPoint,
    ...codeBounds(y, bounds),
  };
  const types = [build.storedType(op.result)];
  return build.rewriter.create(intAdd, { xs: operands.map((x) => build.stored(x)) }, attributes, { types }).result;
}

/** nn.add, nn.sub, or one value at another scale. */
export function lowerSum(op: Op, build: IntegerBuilder): Value {
  const operands = op.operands as readonly Value[];
  const xs = operands.map((x, i) => {
    const codes = codesOf(x, op.source);
    return op.definition === sub && i === 1 ? { ...codes, scale: -codes.scale } : codes;
  });
  return rescaledSum(op, operands, xs, clampOf(op), build);
}

/** nn.cast of whole numbers: they are codes of scale 1. */
export function lowerCast(op: Op, build: IntegerBuilder): Value {
  const x = op.operand(0);
  const { element } = x.type as TensorType;
  if (typeof element !== 'string') return lowerSum(op, build);
  const codes = { scale: 1, zeroPoint: 0, storage: element, low: 0, high: 0 };
  return rescaledSum(op, [x], [codes], clampOf(op), build);
}

/** nn.mul: exact products, requantized; the product with one number is the other factor at another scale. */
export function lowerProduct(op: Op, build: IntegerBuilder): Value {
  const operands = [op.operand(0), op.operand(1)] as const;
  const [a, b] = operands.map((x) => codesOf(x, op.source)) as [Codes, Codes];
  const y = codesOf(op.result, op.source);
  if ([a, b].some(({ storage }) => storage === 'i32')) return carriedProduct(op, operands, [a, b], build);
  const bits = widest([a, b]);
  const scaled = bits > 8 && (scaledBy(op, 1, b) ?? scaledBy(op, 0, a));
  if (scaled) {
    const [operand, codes] = scaled.index === 1 ? ([operands[0], a] as const) : ([operands[1], b] as const);
    const scale = Math.fround(codes.scale * scaled.factor);
    if (Math.abs(scale) >= 2 ** -126) return rescaledSum(op, [operand], [{ ...codes, scale }], clampOf(op), build);
  }
  const types = [build.accumulatorType(op)];
  const attributes = { zero_point_a: a.zeroPoint, zero_point_b: b.zeroPoint };
  const product = build.rewriter.create(
    intMul,
    { a: build.stored(operands[0]), b: build.stored(operands[1]) },
    attributes,
    { types },
  ).result;
  if (y.storage === 'i32') return product;
  const real = realMultiplier(a.scale, b.scale, y.scale, op.source);
  return build.requantize(product, [dyadicMultiplierFor(bits, real, op.source)], [], op, clampOf(op));
}

/** A product of codes of 32 bits and of at most 16: its type has the scale that the shift leaves. */
function carriedProduct(op: Op, operands: readonly Value[], codes: readonly Codes[], build: IntegerBuilder): Value {
  const wide = codes[0]?.storage === 'i32' ? 0 : 1;
  const [a, b] = [operands[wide], operands[1 - wide]].map((x) => build.stored(x as Value)) as [Value, Value];
  const attributes = { zero_point_b: codes[1 - wide]?.zeroPoint ?? 0, shift: carriedShift };
  return build.rewriter.create(intMulShift, { a, b }, attributes, { types: [build.storedType(op.result)] }).result;
}

/** The number that an operand of one element is. */
function scaledBy(op: Op, index: number, codes: Codes): { index: number; factor: number } | undefined {
  const data = constantOf(op.operands[index])?.data;
  if (data?.length !== 1) return undefined;
  const factor = ((data[0] as number) - codes.zeroPoint) * codes.scale;
  return factor === 0 ? undefined : { index, factor };
}

/** A function of one value; from or to codes of 16 bits, a clamp is a sum of one. */
export function lowerUnary(op: Op, build: IntegerBuilder): Value {
  if (op.definition !== clamp) return lowerFunction(op, build);
  const { min, max } = clamp.attributesOf(op);
  const isRescaling = min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY;
  const x = codesOf(op.operand(0), op.source);
  if (!isRescaling && widest([x, codesOf(op.result, op.source)]) <= 8) return lowerFunction(op, build);
  return rescaledSum(op, [op.operand(0)], [x], [min, max], build);
}
