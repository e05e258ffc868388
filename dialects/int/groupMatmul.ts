import {
  defineOp,
  type QuantType,
  quantOf,
  type StoredWeights,
  staticShape,
  storedWeights,
  type TensorType,
  tensor,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** How the weights of an int.group_matmul, or of an nn.matmul with stored weights, are to be read. @throws QcError */
export function weightsOf(type: TensorType, where: string): StoredWeights {
  const [inputs, outputs] = staticShape(type) as [number, number];
  const quant = quantOf(type);
  const found = quant && type.shape.length === 2 ? storedWeights(quant as QuantType, inputs, outputs) : undefined;
  if (found) return found;
  throw new QcError({
    what: `weights of type ${type.key} have no kernel`,
    where,
    why: 'scales must be shared by groups of inputs of an output, by outputs, or by all',
    help: 'keep this layer in float',
  });
}

/**
 * Products of codes summed exactly within each group of inputs, scaled once a group: y[m, n] =
 * (Σ_g s[g, n]·(Σ_k a[m, k]·w[k, n] − z[g, n]·Σ_k a[m, k]) − za[m]·Σ_g s[g, n]·Σ_k (w[k, n] − z[g, n]))·Sa[m] + bias[n].
 * Source of the order: MixPE (Zhang et al., 2024), dequantization after the group. `tables` are int.sum_tables of a, where
 * sums are looked up.
 */
export const groupMatmul = defineOp({
  name: 'int.group_matmul',
  summary:
    'A float matrix product of activation codes, as quant.dynamic_qcast gives them, and weight codes in groups: exact integer sums, scaled once a group.',
  operands: {
    a: 'required',
    scale: 'required',
    zero_point: 'required',
    sums: 'required',
    w: 'required',
    bias: 'optional',
    tables: 'optional',
  },
  domain: 'codes',
  infer: ({ a, w }) => tensor([...a.shape.slice(0, -1), w.shape[1] as number], 'f32'),
  evaluate({ a, scale, zero_point, w, bias }, _attributes, { operandTypes }): HostTensor {
    const { group, groups, offset, levels, scale: weightScale, zero } = weightsOf(operandTypes?.[4] as TensorType, '');
    const [inputs, outputs] = w.shape as [number, number];
    const shape = [...a.shape.slice(0, -1), outputs];
    const padded = (a.shape.at(-1) as number) / groups;
    const rows = shape.slice(0, -1).reduce((n, d) => n * d, 1);
    const [codes, weights] = [a.data as Int8Array, w.data as Int8Array];
    const y = new Float32Array(rows * outputs);
    const level = (k: number, n: number) => {
      const code = weights[k * outputs + n] as number;
      return (levels ? (levels[code] as number) : code + offset) - zero(Math.floor(k / group), n);
    };
    for (let n = 0; n < outputs; n++) {
      const column = Float64Array.from({ length: inputs }, (_, k) => level(k, n));
      for (let r = 0; r < rows; r++) {
        let total = 0;
        for (let g = 0; g < groups; g++) {
          let sum = 0;
          const end = Math.min((g + 1) * group, inputs);
          for (let k = g * group; k < end; k++) {
            const code = codes[(r * groups + g) * padded + (k - g * group)] as number;
            sum += (code - (zero_point.data[r] as number)) * (column[k] as number);
          }
          total += sum * weightScale(g, n);
        }
        y[r * outputs + n] = total * (scale.data[r] as number) + ((bias?.data[n] as number | undefined) ?? 0);
      }
    }
    return { dtype: 'f32', shape, data: y };
  },
  cost({ w }, _attributes, [y]) {
    const results = staticShape(y as TensorType).reduce((p, d) => p * d, 1);
    return { multiplyAdds: results * (w.shape[0] as number) };
  },
  lower: { kind: 'template', template: 'group_matmul' },
});
