import {
  attr,
  defineOp,
  integerRange,
  type QuantType,
  quantOf,
  type TensorType,
  uniformParams,
  type Value,
} from '../../src/ir/index.ts';
import { quantizeF32 } from '../../src/numerics/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';

/** Scale, zero point and code range of a type with one scale for the whole tensor. */
function codesOf(type: TensorType): { scale: number; zeroPoint: number; low: number; high: number } {
  const params = uniformParams(quantOf(type) as QuantType);
  invariant(params, `quant.qcast needs one scale, its result is ${type.key}`);
  const [low, high] = integerRange((quantOf(type) as QuantType).storage);
  return { ...params, low, high };
}

/** The border from float to codes, as ONNX QuantizeLinear. */
export const qcast = defineOp({
  name: 'quant.qcast',
  summary: 'y = clamp(half_even(fl32(x/S)) + z) of an f32 value; a NaN becomes z.',
  operands: { x: 'required' },
  /** Name of the function of a program that does this alone; empty: it may be part of others. */
  attributes: { border: attr.string('') },
  domain: 'codes',
  evaluate({ x }, _attributes, { results }) {
    const type = results[0] as TensorType;
    const { scale, zeroPoint, low, high } = codesOf(type);
    const { storage } = quantOf(type) as QuantType;
    const data = new (typedArrayOf(storage as 'i8'))(x.data.length);
    for (let i = 0; i < data.length; i++) data[i] = quantizeF32(x.data[i] as number, scale, zeroPoint, low, high);
    return { dtype: storage as 'i8', shape: x.shape, data };
  },
  toOnnx(writer, { x }, _attributes, op) {
    const type = op.result.type as TensorType;
    return quantOf(type)?.storage === 'i32' ? x : writer.quantize(x, type);
  },
  lower: {
    kind: 'elementwise',
    // The range is applied before the zero point is added, so that a saturated conversion cannot wrap.
    body(k, [x], op): Value {
      const type = op.result.type as TensorType;
      const { scale, zeroPoint, low, high } = codesOf(type);
      const rounded = k.roundEven(k.div(x as Value, k.constant(scale, 'f32', x)));
      const i = k.convert(rounded, 'i32');
      const clamped = k.min(k.max(i, k.constant(low - zeroPoint, 'i32', i)), k.constant(high - zeroPoint, 'i32', i));
      const code = k.add(clamped, k.constant(zeroPoint, 'i32', i));
      return k.narrowSaturate(code, (quantOf(type) as QuantType).storage);
    },
  },
});
