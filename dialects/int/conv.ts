import { attr, defineOp, staticShape, type TensorType } from '../../src/ir/index.ts';
import { convolve } from '../nn/conv.ts';

/** Convolution of codes [N, CI, spatial…] with weights [CO, CI/group, kernel…]; padding counts as the zero point. */
export const conv = defineOp({
  name: 'int.conv',
  summary: 'y = Σ (x − z)·w + bias, exact in i32; the compiler has proved that it fits.',
  operands: { x: 'required', w: 'required', bias: 'optional' },
  attributes: {
    strides: attr.ints(),
    pads: attr.ints(),
    dilations: attr.ints(),
    group: attr.int(1),
    zero_point: attr.int(),
    /** Whether x is a result of int.turned. */
    turned: attr.bool(false),
  },
  domain: 'codes',
  // Sums stay below 2^53, so that f64 arithmetic is exact.
  evaluate({ x, w, bias }, attributes, { results }) {
    const shape = staticShape(results[0] as TensorType);
    // copies of whole arrays, and loops: `from` with a function takes ten times as long
    const differences = new Float64Array(x.data as Int8Array);
    for (let i = 0; i < differences.length; i++) differences[i] = (differences[i] as number) - attributes.zero_point;
    const weights = new Float64Array(w.data as Int8Array);
    const start = bias && new Float64Array(bias.data as Int32Array);
    const sums = convolve(differences, x.shape, weights, w.shape, start, attributes, shape);
    return { dtype: 'i32', shape, data: new Int32Array(sums) };
  },
  cost({ w }, _attributes, [y]) {
    const outputs = staticShape(y as TensorType).reduce((a, b) => a * b, 1);
    return {
      multiplyAdds:
        outputs *
        staticShape(w)
          .slice(1)
          .reduce((a, b) => a * b, 1),
    };
  },
  lower: { kind: 'template', template: 'conv' },
});
