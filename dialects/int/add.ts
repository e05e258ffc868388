import {
  attr,
  type BodyBuilder,
  bitsOf,
  defineOp,
  integerRange,
  type Op,
  staticShape,
  storageOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { sumRescaled } from '../../src/numerics/index.ts';
import { type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';
import { broadcastTo } from '../nn/broadcast.ts';
import { narrowed } from './narrow.ts';
import { buildSplitSum, splitSum } from './splitSum.ts';

/**
 * A sum of codes of different scales, rounded once; with one operand, the same codes at another scale. Codes may have
 * 16 bits; whole numbers of 64 bits are read as i32.
 */
export const add = defineOp({
  name: 'int.add',
  summary: 'y = clamp(((Σ (x_i − z_i)·m_i + 2^(s−1)) >> s) + z, min, max), the sum exact; operands broadcast.',
  operands: { xs: 'variadic' },
  attributes: {
    multipliers: attr.ints(),
    shift: attr.int(),
    zero_points: attr.ints(),
    zero_point: attr.int(0),
    min: attr.int(),
    max: attr.int(),
  },
  domain: 'codes',
  evaluate({ xs }, { multipliers, shift, zero_points, zero_point, min, max }, { results }) {
    const type = results[0] as TensorType;
    const dtype = storageOf(type.element) as 'i8';
    const shape = staticShape(type);
    const operands = xs.map((x) => wholeNumbers(broadcastTo(x, shape)));
    const y = new (typedArrayOf(dtype))(shape.reduce((a, b) => a * b, 1));
    const sum = { m: multipliers, s: shift };
    const codes = new Array<number>(xs.length).fill(0);
    for (let i = 0; i < y.length; i++) {
      operands.forEach((x, j) => {
        codes[j] = x[i] as number;
      });
      y[i] = sumRescaled(codes, zero_points, sum, zero_point, min, max);
    }
    return { dtype, shape, data: y };
  },
  lower: {
    kind: 'elementwise',
    body(k, xs, op): Value {
      const { zero_point, min, max } = add.attributesOf(op);
      const rounded = sumFor(op)(k, xs, op);
      const code = zero_point === 0 ? rounded : k.add(rounded, k.constant(zero_point, 'i32', rounded));
      return narrowed(k, code, op, { min, max });
    },
  },
});

/** Elements as plain numbers; those of 64 bits as i32. */
export function wholeNumbers({ data }: HostTensor): ArrayLike<number> {
  return data instanceof BigInt64Array
    ? Int32Array.from(data, (x) => Number(BigInt.asIntN(32, x)))
    : (data as Int8Array);
}

/** Whether all codes have 8 bits: then numerics/multiplier.ts has chosen m and s so that the whole sum fits 32 bits. */
function fitsI32(op: Op): boolean {
  return [...op.operands, op.result].every((v) => v && bitsOf(storageOf((v.type as TensorType).element)) === 8);
}

/** Whether the sum is one product of a code and a factor that stays below 2^30 after its shift. */
function isSmallProduct(op: Op): boolean {
  const { multipliers, shift } = add.attributesOf(op);
  const bits = bitsOf(storageOf((op.operand(0).type as TensorType).element));
  return (
    multipliers.length === 1 && bits <= 16 && Math.abs(multipliers[0] as number) * 2 ** (bits + 1 - shift) < 2 ** 30
  );
}

type Sum = (k: BodyBuilder, xs: readonly Value[], op: Op) => Value;

function sumFor(op: Op): Sum {
  if (fitsI32(op)) return sumIn32;
  if (isSmallProduct(op)) return oneRescaled;
  const { multipliers, shift } = add.attributesOf(op);
  const elements = (op.operands as readonly Value[]).map((v) => storageOf((v.type as TensorType).element));
  if (elements.some((element) => bitsOf(element) > 16)) return sumIn64;
  const most = elements.map((element) => Math.max(...integerRange(element).map(Math.abs)));
  const split = splitSum(multipliers, most, shift, constantOf(op));
  return split ? (k, xs) => buildSplitSum(k, xs, split, shift) : sumIn64;
}

/** The sum is Σ x_i·m_i + c with c = 2^(s−1) − Σ z_i·m_i. */
function constantOf(op: Op): number {
  const { multipliers, shift, zero_points } = add.attributesOf(op);
  return multipliers.reduce((c, m, i) => c - m * (zero_points[i] as number), 2 ** (shift - 1));
}

/** The parts of a sum that fits may wrap. */
const sumIn32: Sum = (k, xs, op) => {
  const { multipliers, shift } = add.attributesOf(op);
  const terms = xs.map((x, i) => {
    const code = k.convert(x, 'i32');
    return k.mul(code, k.constant(multipliers[i] as number, 'i32', code));
  });
  const sum = terms.reduce((a, b) => k.add(a, b));
  return k.shr(k.add(sum, k.constant(constantOf(op) | 0, 'i32', sum)), shift);
};

const difference = (k: BodyBuilder, x: Value, zeroPoint: number): Value => {
  const code = k.convert(x, 'i32');
  return zeroPoint === 0 ? code : k.sub(code, k.constant(zeroPoint, 'i32', code));
};

/** (x − z)·m in 64 bits; s = 1 is s = 2 of 2·(x − z). */
const oneRescaled: Sum = (k, [x], op) => {
  const { multipliers, shift, zero_points } = add.attributesOf(op);
  const code = difference(k, x as Value, zero_points[0] as number);
  const m = k.constant(multipliers[0] as number, 'i32', code);
  return shift === 1 ? k.mulShift(k.shl(code, 1), m, 2) : k.mulShift(code, m, shift);
};

/** More than any code of 16 bits before its zero point; sums that are stored in 32 bits stay within 2^30. */
const beyond = 2 ** 30 + 2 ** 16;

/** Sums of 16-bit codes that no parts of 32 bits hold; beyond 32 bits the result saturates. */
const sumIn64: Sum = (k, xs, op) => {
  const { multipliers, shift, zero_points } = add.attributesOf(op);
  const terms = xs.map((x, i) => {
    const code = k.convert(difference(k, x, zero_points[i] as number), 'i64');
    return k.mul(code, k.constant(multipliers[i] as number, 'i64', code));
  });
  const sum = terms.reduce((a, b) => k.add(a, b));
  const rounded = k.shr(k.add(sum, k.constant(2 ** (shift - 1), 'i64', sum)), shift);
  const [least, most] = [-beyond, beyond].map((value) => k.constant(value, 'i64', rounded)) as [Value, Value];
  const capped = k.select(k.cmp('gt', rounded, most), most, rounded);
  return k.convert(k.select(k.cmp('lt', capped, least), least, capped), 'i32');
};
