import type { Module, TensorType, Value } from '../../src/ir/index.ts';
import { type Products, plainProducts } from '../../src/linalg/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import { interpreterProbe } from '../calibrate/interpreterProbe.ts';
import { samplesOf } from '../calibrate/sampleRows.ts';

/** What multiplies matrices in a pass. */
export async function productsOf({ products }: PassContext): Promise<Products> {
  return products ? products() : plainProducts;
}

/**
 * Of each value [..., K] of @main, XᵀX [K, K] in f64 over all rows of all calibration samples.
 * @param what the pass asks for, for the message
 * @throws QcError without calibration samples
 */
export async function hessiansOf(
  module: Module,
  values: readonly Value[],
  context: PassContext,
  what: string,
): Promise<Map<Value, Float64Array>> {
  const hessians = values.map(({ type }) => new Float64Array(((type as TensorType).shape.at(-1) as number) ** 2));
  const probe = await (context.probe ?? interpreterProbe)(module, values);
  const products = await productsOf(context);
  for (const sample of samplesOf(context, what)) {
    probe.run(sample, (i, { data, shape }) => {
      products.addGram(hessians[i] as Float64Array, data as Float32Array, shape.at(-1) as number);
    });
  }
  for (const hessian of hessians) mirror(hessian, Math.sqrt(hessian.length));
  return new Map(values.map((value, i) => [value, hessians[i] as Float64Array]));
}

function mirror(sums: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) sums[i * n + j] = sums[j * n + i] as number;
}
