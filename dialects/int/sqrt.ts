import { attr, defineOp, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { ROOT_BITS, rootOf } from '../../src/numerics/index.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';
import { narrowed } from './narrow.ts';

/** The square root of 32-bit codes, such as sums of squares. */
export const sqrt = defineOp({
  name: 'int.sqrt',
  summary: 'y = clamp(half_up(√(x·m·2^−s)) + z, min, max), exact; of negative numbers z.',
  operands: { x: 'required' },
  attributes: { multiplier: attr.int(), shift: attr.int(), zero_point: attr.int(0), min: attr.int(), max: attr.int() },
  domain: 'codes',
  evaluate({ x }, { multiplier, shift, zero_point, min, max }, { results }) {
    const dtype = storageOf((results[0] as TensorType).element) as 'i8';
    const data = new (typedArrayOf(dtype))(x.data.length);
    const factor = { m: multiplier, s: shift };
    for (let i = 0; i < data.length; i++) data[i] = rootOf(x.data[i] as number, factor, zero_point, min, max);
    return { dtype, shape: x.shape, data };
  },
  lower: {
    kind: 'elementwise',
    // u = ⌊x·m·2^(2 − s)⌋; its root bit by bit, the highest first
    body(k, [x], op): Value {
      const { multiplier, shift, zero_point, min, max } = sqrt.attributesOf(op);
      const code = k.convert(x as Value, 'i64');
      const number = (value: number) => k.constant(value, 'i64', code);
      const limit = number(2 ** (2 * ROOT_BITS) - 1);
      const scaled = k.shr(k.mul(code, number(multiplier)), shift - 2);
      const u = k.select(k.cmp('gt', scaled, limit), limit, scaled);
      let root = number(0);
      for (let bit = ROOT_BITS - 1; bit >= 0; bit--) {
        const larger = k.add(root, number(2 ** bit));
        root = k.select(k.cmp('ge', u, k.mul(larger, larger)), larger, root);
      }
      const rounded = k.shr(k.convert(k.add(root, number(1)), 'i32'), 1);
      return narrowed(k, k.add(rounded, k.constant(zero_point, 'i32', rounded)), op, { min, max });
    },
  },
});
