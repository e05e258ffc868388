import { blocksOf, matrixOf, type Products, partOf } from '../../src/linalg/index.ts';

/** Rows of H that are multiplied at once. */
const rowsOfError = 512;

/**
 * δ_nᵀ·H·δ_n of each output n: ‖X·δ_n‖² where H = XᵀX. Blocks off the diagonal of the symmetric H count twice.
 * @param deltas changes of weights [inputs, outputs]
 */
export function outputErrors(
  hessian: Float64Array,
  deltas: Float64Array,
  inputs: number,
  outputs: number,
  products: Products,
): Float64Array {
  const [h, d] = [matrixOf(hessian, inputs, inputs), matrixOf(deltas, inputs, outputs)];
  const columns = [0, outputs] as const;
  const errors = new Float64Array(outputs);
  for (const rows of blocksOf(inputs, rowsOfError)) {
    const [from, to] = rows;
    const sums = new Float64Array((to - from) * outputs);
    const target = matrixOf(sums, to - from, outputs);
    products.add(target, partOf(h, rows, rows), partOf(d, rows, columns), 1);
    products.add(target, partOf(h, rows, [to, inputs]), partOf(d, [to, inputs], columns), 2);
    for (let i = 0; i < sums.length; i++) {
      const n = i % outputs;
      errors[n] = (errors[n] as number) + (sums[i] as number) * (deltas[from * outputs + i] as number);
    }
  }
  return errors;
}

/** ‖δ_n‖² of each output n: its error for inputs of which nothing is known. */
export function weightErrors(deltas: Float64Array, outputs: number): Float64Array {
  const errors = new Float64Array(outputs);
  deltas.forEach((delta, i) => {
    errors[i % outputs] = (errors[i % outputs] as number) + delta * delta;
  });
  return errors;
}
