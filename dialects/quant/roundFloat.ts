import { attr, defineOp, type Value } from '../../src/ir/index.ts';
import { decodeFloat, encodeFloat, formats } from '../../src/numerics/index.ts';

const names = Object.keys(formats.smallFloats) as formats.SmallFloat[];

/** Bits of an f32's mantissa. */
const mantissa = 23;

/** Values as a small float format would hold them, in f32. */
export const roundFloat = defineOp({
  name: 'quant.round_float',
  summary: 'y = the number of the format that is nearest to x, ties to even; beyond the largest, that one.',
  operands: { x: 'required' },
  attributes: { format: attr.oneOf(names, 'e4m3') },
  infer: ({ x }) => x,
  evaluate({ x }, { format }) {
    const float = formats.smallFloats[format];
    const data = Float32Array.from(x.data as Float32Array, (v) => decodeFloat(encodeFloat(v, float, true), float));
    return { dtype: 'f32', shape: x.shape, data };
  },
  lower: {
    kind: 'elementwise',
    body(k, [x], op): Value {
      const { format } = roundFloat.attributesOf(op);
      const { mantissaBits, bias } = formats.smallFloats[format];
      const bound = k.constant(formats.smallGrids[format].largest, 'f32', x);
      const v = k.max(k.min(x as NonNullable<typeof x>, bound), k.neg(bound));
      const bits = k.bitcast(v, 'i32');
      const dropped = mantissa - mantissaBits;
      const tie = k.and(k.shr(bits, dropped), k.constant(1, 'i32', bits));
      const up = k.add(k.add(bits, k.constant(2 ** (dropped - 1) - 1, 'i32', bits)), tie);
      const normal = k.bitcast(k.and(up, k.constant(-(2 ** dropped), 'i32', bits)), 'f32');
      // below the smallest normal number all numbers are one distance apart
      const leastNormal = 2 ** (1 - bias);
      const subnormals = 2 ** (bias - 1 + mantissaBits);
      const scaled = k.roundEven(k.mul(v, k.constant(subnormals, 'f32', v)));
      const small = k.mul(scaled, k.constant(1 / subnormals, 'f32', v));
      return k.select(k.cmp('lt', k.abs(v), k.constant(leastNormal, 'f32', v)), small, normal);
    },
  },
});
