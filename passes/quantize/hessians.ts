import type { Module, TensorType, Value } from '../../src/ir/index.ts';
import { type Gram, type Products, plainProducts } from '../../src/linalg/index.ts';
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
  const probe = await (context.probe ?? interpreterProbe)(module, values);
  const products = await productsOf(context);
  const grams = values.map(({ type }) => products.gram((type as TensorType).shape.at(-1) as number));
  for (const sample of samplesOf(context, what)) {
    probe.run(sample, (i, { data }) => grams[i]?.add(data as Float32Array));
  }
  return new Map(values.map((value, i) => [value, (grams[i] as Gram).finish()]));
}
