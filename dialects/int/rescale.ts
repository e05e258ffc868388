import { attr, defineOp, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { clamp, requantizeHalfUp } from '../../src/numerics/index.ts';
import { type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';
import { broadcastTo } from '../nn/broadcast.ts';
import { narrowed } from './narrow.ts';

/** int.requantize with one shift for all channels; `uniform-shift` makes it and proves it equal. */
export const rescale = defineOp({
  name: 'int.rescale',
  summary:
    'y = clamp(((a·m + 2^(s−1)) >> s) + z, min, max) with a = clamp(acc, −bound, bound)·factor, which fits i32; no bound: acc never reaches it; no factor: 1.',
  operands: { acc: 'required', multiplier: 'required', factor: 'optional', bound: 'optional' },
  attributes: { shift: attr.int(), zero_point: attr.int(0), min: attr.int(), max: attr.int() },
  domain: 'codes',
  evaluate({ acc, multiplier, factor, bound }, { shift, zero_point, min, max }, { results }) {
    const dtype = storageOf((results[0] as TensorType).element) as 'i8';
    const y = new (typedArrayOf(dtype))(acc.data.length);
    const spread = (t: HostTensor | undefined, fallback: number) =>
      t ? (broadcastTo(t, acc.shape).data as Int32Array) : new Int32Array(y.length).fill(fallback);
    const [m, f, limits] = [spread(multiplier, 0), spread(factor, 1), spread(bound, 2 ** 31 - 1)];
    for (let i = 0; i < y.length; i++) {
      const limit = limits[i] as number;
      const scaled = clamp(acc.data[i] as number, -limit, limit) * (f[i] as number);
      y[i] = requantizeHalfUp(scaled, m[i] as number, shift, zero_point, min, max);
    }
    return { dtype, shape: acc.shape, data: y };
  },
  lower: {
    kind: 'elementwise',
    body(k, args, op): Value {
      const [acc, multiplier, factor, bound] = args as [Value, Value, Value | undefined, Value | undefined];
      const { shift, zero_point, min, max } = rescale.attributesOf(op);
      const sum = k.convert(acc, 'i32');
      const limited = bound ? k.min(k.max(sum, k.neg(bound)), bound) : sum;
      const shifted = k.mulShift(factor ? k.mul(limited, factor) : limited, multiplier, shift);
      const code = zero_point === 0 ? shifted : k.add(shifted, k.constant(zero_point, 'i32', shifted));
      return narrowed(k, code, op, { min, max });
    },
  },
});
