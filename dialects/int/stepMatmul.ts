import { defineOp, staticShape, type TensorType, tensor } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { weightsOf } from './groupMatmul.ts';

/**
 * y[m, n] = Σ_g s[g, n]·Σ_k a[m, k]·w[k, n] + bias[n] in i32, modulo 2^32: the scales of groups are whole numbers, and the
 * compiler has proved that what is left when the bias holds the zero point's share fits.
 * Source of two-step dequantization: Lin et al., QServe (2024), section 4.1.
 */
export const stepMatmul = defineOp({
  name: 'int.step_matmul',
  summary:
    'An integer matrix product of codes, as int.group_codes gives them, and weight codes in groups whose scales are whole numbers: exact in i32.',
  operands: { a: 'required', sums: 'required', w: 'required', bias: 'required' },
  domain: 'codes',
  infer: ({ a, w }) => tensor([...a.shape.slice(0, -1), w.shape[1] as number], 'i32'),
  // Sums stay below 2^53, so that f64 arithmetic is exact.
  evaluate({ a, w, bias }, _attributes, { operandTypes }): HostTensor {
    const { group, groups, scale } = weightsOf(operandTypes?.[2] as TensorType, '');
    const [inputs, outputs] = w.shape as [number, number];
    const shape = [...a.shape.slice(0, -1), outputs];
    const padded = (a.shape.at(-1) as number) / groups;
    const rows = shape.slice(0, -1).reduce((n, d) => n * d, 1);
    const y = new Int32Array(rows * outputs);
    for (let r = 0; r < rows; r++) {
      for (let n = 0; n < outputs; n++) {
        let sum = bias.data[n] as number;
        for (let k = 0; k < inputs; k++) {
          const g = Math.floor(k / group);
          const code = a.data[(r * groups + g) * padded + (k % group)] as number;
          sum += code * (w.data[k * outputs + n] as number) * scale(g, n);
        }
        y[r * outputs + n] = sum;
      }
    }
    return { dtype: 'i32', shape, data: y };
  },
  cost({ w }, _attributes, [y]) {
    const results = staticShape(y as TensorType).reduce((p, d) => p * d, 1);
    return { multiplyAdds: results * (w.shape[0] as number) };
  },
  lower: { kind: 'template', template: 'step_matmul' },
});
