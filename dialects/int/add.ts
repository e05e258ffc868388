import { attr, defineOp, staticShape, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { sumRescaled } from '../../src/numerics/index.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';
import { broadcastTo } from '../nn/broadcast.ts';
import { narrowed } from './narrow.ts';

/** A sum of codes of different scales, rounded once; with one operand, the same codes at another scale. */
export const add = defineOp({
  name: 'int.add',
  summary: 'y = clamp(((Σ (x_i − z_i)·m_i + 2^(s−1)) >> s) + z, min, max), the sum within 32 bits; operands broadcast.',
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
    const operands = xs.map((x) => broadcastTo(x, shape).data as Int8Array);
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
    // Σ (x_i − z_i)·m_i + 2^(s−1) fits 32 bits (numerics/multiplier.ts chooses m and s so), so that its parts may wrap:
    // it is Σ x_i·m_i + c with c = 2^(s−1) − Σ z_i·m_i
    body(k, xs, op): Value {
      const { multipliers, shift, zero_points, zero_point, min, max } = add.attributesOf(op);
      const constant = multipliers.reduce((c, m, i) => c - m * (zero_points[i] as number), 2 ** (shift - 1));
      const terms = xs.map((x, i) => {
        const code = k.convert(x, 'i32');
        return k.mul(code, k.constant(multipliers[i] as number, 'i32', code));
      });
      const sum = terms.reduce((a, b) => k.add(a, b));
      const rounded = k.shr(k.add(sum, k.constant(constant | 0, 'i32', sum)), shift);
      return narrowed(k, k.add(rounded, k.constant(zero_point, 'i32', sum)), op, { min, max });
    },
  },
});
