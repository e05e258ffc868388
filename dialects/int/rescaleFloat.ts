import { attr, defineOp, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { requantizeHalfEvenF32 } from '../../src/numerics/index.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';
import { broadcastTo } from '../nn/broadcast.ts';
import { narrowed } from './narrow.ts';

/** 1.5·2^23: an f32 below 2^22 in magnitude, added to it, is rounded to a whole number in the low bits (half to even). */
const magic = 12582912;
const magicBits = 0x4b400000;

/** int.requantize by way of f32; `float-rescale` makes it where it has proved the codes equal. */
export const rescaleFloat = defineOp({
  name: 'int.rescale_f32',
  summary: 'y = clamp(half_even(fl32(fl32(acc)·factor)) + z, min, max), for |acc·factor| < 2^22.',
  operands: { acc: 'required', factor: 'required' },
  attributes: { zero_point: attr.int(0), min: attr.int(), max: attr.int() },
  domain: 'codes',
  evaluate({ acc, factor }, { zero_point, min, max }, { results }) {
    const dtype = storageOf((results[0] as TensorType).element) as 'i8';
    const factors = broadcastTo(factor, acc.shape).data as Float32Array;
    const data = new (typedArrayOf(dtype))(acc.data.length);
    for (let i = 0; i < data.length; i++) {
      data[i] = requantizeHalfEvenF32(acc.data[i] as number, factors[i] as number, zero_point, min, max);
    }
    return { dtype, shape: acc.shape, data };
  },
  lower: {
    kind: 'elementwise',
    body(k, [acc, factor], op): Value {
      const attributes = rescaleFloat.attributesOf(op);
      const scaled = k.mul(k.convert(acc as Value, 'f32'), factor as Value);
      const bits = k.bitcast(k.add(scaled, k.constant(magic, 'f32', scaled)), 'i32');
      const code = k.sub(bits, k.constant(magicBits - attributes.zero_point, 'i32', bits));
      return narrowed(k, code, op, attributes);
    },
  },
});
