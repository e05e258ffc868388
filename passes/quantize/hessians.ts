import type { Module, TensorType, Value } from '../../src/ir/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import { interpreterProbe } from '../calibrate/interpreterProbe.ts';
import { samplesOf } from '../calibrate/sampleRows.ts';

/**
 * Of each value [..., K] of @main, XᵀX [K, K] in f64 over all rows of all calibration samples.
 * @throws QcError without calibration samples
 */
export async function hessiansOf(
  module: Module,
  values: readonly Value[],
  context: PassContext,
): Promise<Map<Value, Float64Array>> {
  const hessians = values.map(({ type }) => new Float64Array(((type as TensorType).shape.at(-1) as number) ** 2));
  const probe = await (context.probe ?? interpreterProbe)(module, values);
  for (const sample of samplesOf(context, 'gptq')) {
    probe.run(sample, (i, { data, shape }) => {
      addProducts(hessians[i] as Float64Array, data as Float32Array, shape.at(-1) as number);
    });
  }
  for (const hessian of hessians) mirror(hessian, Math.sqrt(hessian.length));
  return new Map(values.map((value, i) => [value, hessians[i] as Float64Array]));
}

/** The upper triangle of XᵀX, of rows of n. */
function addProducts(sums: Float64Array, data: Float32Array, n: number): void {
  for (let from = 0; from < data.length; from += n) {
    for (let i = 0; i < n; i++) {
      const x = data[from + i] as number;
      if (x === 0) continue;
      for (let j = i; j < n; j++) sums[i * n + j] = (sums[i * n + j] as number) + x * (data[from + j] as number);
    }
  }
}

function mirror(sums: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) sums[i * n + j] = sums[j * n + i] as number;
}
