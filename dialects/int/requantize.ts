import { attr, defineOp, storageOf, type TensorType } from '../../src/ir/index.ts';
import { requantizeHalfUp } from '../../src/numerics/index.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';
import { broadcastTo } from '../nn/broadcast.ts';

/** Rounding `half-up`. It has no kernel of its own: `uniform-shift` writes it as int.rescale. */
export const requantize = defineOp({
  name: 'int.requantize',
  summary: 'y = clamp(((acc·m + 2^(s−1)) >> s) + z, min, max), product and sum exact; m and s broadcast against acc.',
  operands: { acc: 'required', multiplier: 'required', shift: 'required' },
  attributes: { zero_point: attr.int(0), min: attr.int(), max: attr.int() },
  domain: 'codes',
  evaluate({ acc, multiplier, shift }, { zero_point, min, max }, { results }) {
    const dtype = storageOf((results[0] as TensorType).element) as 'i8';
    const y = new (typedArrayOf(dtype))(acc.data.length);
    const [m, s] = [multiplier, shift].map((t) => broadcastTo(t, acc.shape).data) as [Int32Array, Int32Array];
    for (let i = 0; i < y.length; i++) {
      y[i] = requantizeHalfUp(acc.data[i] as number, m[i] as number, s[i] as number, zero_point, min, max);
    }
    return { dtype, shape: acc.shape, data: y };
  },
});
