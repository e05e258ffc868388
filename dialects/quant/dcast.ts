import {
  attr,
  defineOp,
  type QuantType,
  quantOf,
  type TensorType,
  uniformParams,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

/**
 * The border from codes to float. Codes of at most 16 bits: fl32(fl32(q − z)·S), since q − z is exact in f32.
 * The codes of an accumulator need a rounding of their own before the multiplication: `expand-dcast` makes it two ops.
 */
export const dcast = defineOp({
  name: 'quant.dcast',
  summary: 'y = fl32((q − z)·S), the real value that a code stands for.',
  operands: { x: 'required' },
  /** Name of the function of a program that does this alone; empty: it may be part of others. */
  attributes: { border: attr.string('') },
  evaluate({ x }) {
    const data = new Float32Array(x.data as Float64Array);
    // −0 becomes 0
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) + 0;
    return { dtype: 'f32', shape: x.shape, data };
  },
  toOnnx: (_writer, { x }) => x,
  lower: {
    kind: 'elementwise',
    body(k, [x], op): Value {
      const params = uniformParams(quantOf(op.operand(0).type as TensorType) as QuantType);
      if (!params) {
        throw new QcError({
          what: 'codes with several scales have no direct way to float',
          where: op.source,
          help: 'run expand-dcast before lowering',
        });
      }
      const { scale, zeroPoint } = params;
      const code = k.convert(x as Value, 'i32');
      const shifted = zeroPoint === 0 ? code : k.sub(code, k.constant(zeroPoint, 'i32', code));
      const real = k.convert(shifted, 'f32');
      return scale === 1 ? real : k.mul(real, k.constant(scale, 'f32', real));
    },
  },
});
