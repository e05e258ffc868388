import { attr, defineOp } from '../../src/ir/index.ts';
import { decodeFloat, encodeFloat, F8E4M3FN } from '../../src/numerics/index.ts';

/** Largest number of E4M3, and the smallest that is normal. */
const largest = 448;
const leastNormal = 2 ** -6;
/** The distance of numbers below `leastNormal` is 2^−9. */
const subnormals = 2 ** 9;
/** Bits of an f32's mantissa beyond the three that stay. */
const dropped = 20;

/** Values as a small float format would hold them, in f32. */
export const roundFloat = defineOp({
  name: 'quant.round_float',
  summary: 'y = the number of the format that is nearest to x, ties to even; beyond the largest, that one.',
  operands: { x: 'required' },
  attributes: { format: attr.oneOf(['e4m3'], 'e4m3') },
  infer: ({ x }) => x,
  evaluate: ({ x }) => ({
    dtype: 'f32',
    shape: x.shape,
    data: Float32Array.from(x.data as Float32Array, (v) => decodeFloat(encodeFloat(v, F8E4M3FN, true), F8E4M3FN)),
  }),
  lower: {
    kind: 'elementwise',
    body(k, [x]) {
      const bound = k.constant(largest, 'f32', x);
      const v = k.max(k.min(x as NonNullable<typeof x>, bound), k.neg(bound));
      const bits = k.bitcast(v, 'i32');
      const tie = k.and(k.shr(bits, dropped), k.constant(1, 'i32', bits));
      const up = k.add(k.add(bits, k.constant(2 ** (dropped - 1) - 1, 'i32', bits)), tie);
      const normal = k.bitcast(k.and(up, k.constant(-(2 ** dropped), 'i32', bits)), 'f32');
      const scaled = k.roundEven(k.mul(v, k.constant(subnormals, 'f32', v)));
      const small = k.mul(scaled, k.constant(1 / subnormals, 'f32', v));
      return k.select(k.cmp('lt', k.abs(v), k.constant(leastNormal, 'f32', v)), small, normal);
    },
  },
});
