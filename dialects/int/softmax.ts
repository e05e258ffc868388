import { attr, defineOp, staticShape, storageOf, type TensorType } from '../../src/ir/index.ts';
import { expRow, maxUnmasked, probabilities, requantizeHalfUp, wideExp } from '../../src/numerics/index.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';

/** Probabilities along the last axis; scores of 16 bits have their exponentials in two factors. */
export const softmax = defineOp({
  name: 'int.softmax',
  summary:
    'p = min(⌊(2^16·E + Σ)/(2Σ)⌋, 2^15 − 1) with E = high[max − x], or (high[d >> 8]·low[d mod 256] + 2^14) >> 15; y = clamp(((p·m + 2^(s−1)) >> s) + z).',
  operands: { x: 'required', high: 'required', low: 'optional' },
  attributes: {
    multiplier: attr.int(),
    shift: attr.int(),
    zero_point: attr.int(0),
    min: attr.int(),
    max: attr.int(),
  },
  domain: 'codes',
  evaluate({ x, high, low }, { multiplier, shift, zero_point, min, max }, { results }) {
    const type = results[0] as TensorType;
    const dtype = storageOf(type.element) as 'i8';
    const shape = staticShape(type);
    const length = shape.at(-1) as number;
    const codes = x.data as Int16Array;
    const y = new (typedArrayOf(dtype))(codes.length);
    for (let at = 0; at < codes.length; at += length) {
      const row = codes.subarray(at, at + length);
      const p = probabilities(weightsOf(row, high.data as Uint16Array, low?.data as Uint16Array | undefined));
      p.forEach((code, i) => {
        y[at + i] = requantizeHalfUp(code, multiplier, shift, zero_point, min, max);
      });
    }
    return { dtype, shape, data: y };
  },
  lower: { kind: 'template', template: 'int_softmax' },
});

function weightsOf(row: Int16Array, high: Uint16Array, low: Uint16Array | undefined): Float64Array {
  if (!low) return expRow(row, high);
  const most = maxUnmasked(row) as number;
  return Float64Array.from(row, (code) => wideExp({ high, low }, most - code));
}
