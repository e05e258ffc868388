import { attr, defineOp, staticShape, type TensorType, type Value } from '../../src/ir/index.ts';
import { broadcastTo } from '../nn/broadcast.ts';

/** The product of a value of 32 bits, which a program carries on from run to run, and codes of at most 16 bits. */
export const mulShift = defineOp({
  name: 'int.mul_shift',
  summary: 'y = (a·(b − zb) + 2^(s−1)) >> s in i32, which it fits, with a of 32 bits; operands broadcast.',
  operands: { a: 'required', b: 'required' },
  attributes: { zero_point_b: attr.int(0), shift: attr.int() },
  domain: 'codes',
  evaluate({ a, b }, { zero_point_b, shift }, { results }) {
    const shape = staticShape(results[0] as TensorType);
    const [left, right] = [a, b].map((x) => broadcastTo(x, shape).data) as [Int32Array, Int16Array];
    const y = new Int32Array(left.length);
    // products stay below 2^48, which a double holds
    for (let i = 0; i < y.length; i++) {
      const product = (left[i] as number) * ((right[i] as number) - zero_point_b);
      y[i] = Math.floor((product + 2 ** (shift - 1)) / 2 ** shift);
    }
    return { dtype: 'i32', shape, data: y };
  },
  lower: {
    kind: 'elementwise',
    body(k, [a, b], op): Value {
      const { zero_point_b, shift } = mulShift.attributesOf(op);
      const code = k.convert(b as Value, 'i32');
      const factor = zero_point_b === 0 ? code : k.sub(code, k.constant(zero_point_b, 'i32', code));
      return k.mulShift(a as Value, factor, shift);
    },
  },
});
