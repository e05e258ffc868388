import { attr, defineOp, storageOf, type TensorType } from '../../src/ir/index.ts';
import { interpolated } from '../../src/numerics/index.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';

/** A function of 16-bit codes, by cubic pieces between knots, bends C and E by turns; without bends by lines, with r = 0 by the knots. */
export const interpolate = defineOp({
  name: 'int.interpolate',
  summary:
    'y = clamp(((T[i] + ((T[i + 1] − T[i] + ((C[i] + (E[i]·f >> r))·(2^r − f) >> r))·f >> r) + 2^11) >> 12) + z), i = u >> r, f = u mod 2^r, u = x + 2^15.',
  operands: { x: 'required', knots: 'required', bends: 'optional' },
  attributes: { r: attr.int(), zero_point: attr.int(0), min: attr.int(), max: attr.int() },
  domain: 'codes',
  evaluate({ x, knots, bends }, { r, zero_point, min, max }, { results }) {
    const dtype = storageOf((results[0] as TensorType).element) as 'i8';
    const pieces = { r, knots: knots.data as Int32Array, ...(bends && { bends: bends.data as Int32Array }) };
    const output = { scale: 1, zeroPoint: zero_point, qmin: min, qmax: max };
    const data = new (typedArrayOf(dtype))(x.data.length);
    for (let i = 0; i < data.length; i++) data[i] = interpolated(pieces, x.data[i] as number, output);
    return { dtype, shape: x.shape, data };
  },
  lower: { kind: 'template', template: 'interpolate', pointwise: true },
});
