import { defineOp } from '../../src/ir/index.ts';
import { f32Bits, f32FromBits } from '../../src/numerics/index.ts';

/** Sign and mantissa of an f32 cleared. */
const exponentMask = 0x7f800000;

/** The scales of microscaled blocks: what E8M0 holds of a magnitude. */
export const powerOfTwo = defineOp({
  name: 'quant.power_of_two',
  summary: 'y = 2^⌊log2 x⌋ of a normal positive f32.',
  operands: { x: 'required' },
  infer: ({ x }) => x,
  evaluate({ x }) {
    const data = Float32Array.from(x.data as Float32Array, (v) => f32FromBits(f32Bits(v) & exponentMask));
    return { dtype: 'f32', shape: x.shape, data };
  },
  lower: {
    kind: 'elementwise',
    body(k, [x]) {
      const bits = k.bitcast(x as NonNullable<typeof x>, 'i32');
      return k.bitcast(k.and(bits, k.constant(exponentMask, 'i32', bits)), 'f32');
    },
  },
});
