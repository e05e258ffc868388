import { attr, defineOp, staticShape, type TensorType } from '../../src/ir/index.ts';
import { pool } from '../nn/pool.ts';

/** A sum of codes over windows: the first half of an average pool; a requantize follows. */
export const poolSum = defineOp({
  name: 'int.pool_sum',
  summary: 'y = Σ (x − z) over each window, exact in i32; padding counts as z.',
  operands: { x: 'required' },
  attributes: { kernel: attr.ints(), strides: attr.ints(), pads: attr.ints(), zero_point: attr.int(0) },
  domain: 'codes',
  evaluate({ x }, { kernel, strides, pads, zero_point }, { results }) {
    const shape = staticShape(results[0] as TensorType);
    const y = new Int32Array(shape.reduce((a, b) => a * b, 1));
    pool(x.shape, shape, { kernel, strides, pads, dilations: kernel.map(() => 1) }, (output, input) => {
      y[output] = (y[output] as number) + (x.data[input] as number) - zero_point;
    });
    return { dtype: 'i32', shape, data: y };
  },
  cost: (_operands, { kernel }, [y]) => ({
    multiplyAdds: staticShape(y as TensorType).reduce((a, b) => a * b, 1) * kernel.reduce((a, b) => a * b, 1),
  }),
  lower: { kind: 'template', template: 'pool' },
});
