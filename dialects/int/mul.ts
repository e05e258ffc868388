import { attr, defineOp, staticShape, type TensorType, type Value } from '../../src/ir/index.ts';
import { broadcastTo } from '../nn/broadcast.ts';

/** The elementwise product of codes; a requantize follows. */
export const mul = defineOp({
  name: 'int.mul',
  summary: 'y = (a − za)·(b − zb) in i32; operands broadcast.',
  operands: { a: 'required', b: 'required' },
  attributes: { zero_point_a: attr.int(0), zero_point_b: attr.int(0) },
  domain: 'codes',
  evaluate({ a, b }, { zero_point_a, zero_point_b }, { results }) {
    const shape = staticShape(results[0] as TensorType);
    const [left, right] = [a, b].map((x) => broadcastTo(x, shape).data) as [Int8Array, Int8Array];
    const y = new Int32Array(left.length);
    for (let i = 0; i < y.length; i++) {
      y[i] = ((left[i] as number) - zero_point_a) * ((right[i] as number) - zero_point_b);
    }
    return { dtype: 'i32', shape, data: y };
  },
  lower: {
    kind: 'elementwise',
    body(k, [a, b], op): Value {
      const { zero_point_a, zero_point_b } = mul.attributesOf(op);
      const left = k.convert(a as Value, 'i32');
      const right = k.convert(b as Value, 'i32');
      return k.mul(
        k.sub(left, k.constant(zero_point_a, 'i32', left)),
        k.sub(right, k.constant(zero_point_b, 'i32', right)),
      );
    },
  },
});
