import {
  blocksOf,
  inverseUpperFactor,
  matrixOf,
  type Products,
  partOf,
  plainProducts,
  transposed,
} from '../../src/linalg/index.ts';
import { type MatrixGrids, type Rounding, roundToNearest } from './storedWeights.ts';

/** What became of a matrix that GPTQ was asked to round. */
export interface GptqOutcome {
  /** Error of the layer's results on the calibration samples, over that of rounding to nearest; 1 where that was kept. */
  readonly ratio: number;
  /** What was added to the diagonal, over its mean; undefined where no damping made the matrix definite. */
  readonly damping: number | undefined;
}

/** Tried one after the other until the matrix is positive definite. */
const dampings = [0.01, 0.1, 1];

/**
 * Rounds one input's weights after the other, and lets the inputs that are still to come make up for the error: with
 * H⁻¹ = UᵀU, U upper triangular, err = (w − q)/U_ii and w_j −= err·U_ij for j > i. Inputs come by falling H_ii ("act
 * order"); grids are chosen before, from the unrounded weights ("static groups"), so the order leaves no trace in the
 * codes. An input that calibration never saw is rounded to nearest. Where the result is worse than rounding to nearest
 * would be, that is kept. Source: Frantar et al., GPTQ (2022), algorithm 1.
 *
 * @param hessian XᵀX of the layer's inputs [K, K], row-major, times any positive factor
 * @param tell gets what came out
 */
export function gptqRounding(
  hessian: Float64Array,
  tell: (outcome: GptqOutcome) => void,
  products = plainProducts,
): Rounding {
  return (weights, shape, grids, codes) => {
    const [inputs, outputs] = shape;
    roundToNearest(weights, shape, grids, codes);
    const nearest = codes.slice();
    const order = actOrder(hessian, inputs);
    const { factor, damping } = factorOf(hessian, order, products);
    if (!factor) return tell({ ratio: 1, damping });
    spreadErrors(weights, order, outputs, factor, grids, codes, products);
    const errorOf = (chosen: Int8Array | Uint8Array) => outputError(hessian, weights, shape, grids, chosen, products);
    const [before, after] = [errorOf(nearest), errorOf(codes)];
    if (after < before) return tell({ ratio: after / before, damping });
    codes.set(nearest);
    tell({ ratio: 1, damping });
  };
}

/** Inputs that were seen, the largest H_ii first; of equals the first one first. */
function actOrder(hessian: Float64Array, inputs: number): number[] {
  const diagonal = (k: number) => hessian[k * inputs + k] as number;
  const seen = Array.from({ length: inputs }, (_, k) => k).filter((k) => diagonal(k) > 0);
  return seen.sort((a, b) => diagonal(b) - diagonal(a) || a - b);
}

/** U of the damped matrix in the given order. */
function factorOf(
  hessian: Float64Array,
  order: readonly number[],
  products: Products,
): { readonly factor?: Float64Array; readonly damping: number | undefined } {
  const n = order.length;
  const inputs = Math.sqrt(hessian.length);
  const permuted = new Float64Array(n * n);
  order.forEach((from, i) => {
    for (let j = 0; j < n; j++) permuted[i * n + j] = hessian[from * inputs + (order[j] as number)] as number;
  });
  const mean = order.reduce((sum, k) => sum + (hessian[k * inputs + k] as number), 0) / n;
  for (const damping of dampings) {
    const damped = permuted.slice();
    for (let i = 0; i < n; i++) damped[i * n + i] = (damped[i * n + i] as number) + damping * mean;
    const factor = inverseUpperFactor(damped, n, products);
    if (factor) return { factor, damping };
  }
  return { damping: undefined };
}

/** Inputs whose errors are spread at once to those after them. */
const block = 128;

/** Outputs whose weights of a block fit the cache. */
const stripOutputs = 256;

function spreadErrors(
  weights: Float32Array,
  order: readonly number[],
  outputs: number,
  factor: Float64Array,
  grids: MatrixGrids,
  codes: Int8Array | Uint8Array,
  products: Products,
): void {
  const n = order.length;
  const left = new Float64Array(n * outputs);
  order.forEach((k, i) => {
    left.set(weights.subarray(k * outputs, (k + 1) * outputs), i * outputs);
  });
  const [all, spread] = [matrixOf(left, n, outputs), matrixOf(factor, n, n)];
  for (const rows of blocksOf(n, block)) {
    const [from, to] = rows;
    const errors = new Float64Array((to - from) * outputs);
    for (const strip of blocksOf(outputs, stripOutputs)) roundBlock(left, errors, rows, strip);
    const later = partOf(all, [to, n], [0, outputs]);
    const made = matrixOf(errors, to - from, outputs);
    products.add(later, transposed(partOf(spread, rows, [to, n])), made, -1);
  }

  /** Outputs are rounded by themselves: those of a strip, for all inputs of a block, before the next strip. */
  function roundBlock(
    left: Float64Array,
    errors: Float64Array,
    [from, to]: readonly [number, number],
    [first, end]: readonly [number, number],
  ): void {
    for (let i = from; i < to; i++) {
      const k = order[i] as number;
      const at = (i - from) * outputs;
      const pivot = factor[i * n + i] as number;
      for (let c = first; c < end; c++) {
        const w = left[i * outputs + c] as number;
        const code = grids.code(k, c, w);
        codes[k * outputs + c] = code;
        errors[at + c] = (w - grids.number(k, c, code)) / pivot;
      }
      for (let j = i + 1; j < to; j++) {
        const share = factor[i * n + j] as number;
        const row = j * outputs;
        for (let c = first; c < end; c++)
          left[row + c] = (left[row + c] as number) - share * (errors[at + c] as number);
      }
    }
  }
}

/** Rows of H that are multiplied at once. */
const rowsOfError = 512;

/** Outputs whose errors are summed, evenly spread: each is rounded by itself, and as many tell what all have gained. */
const mostOutputs = 512;

/** Σ_n δ_nᵀ·H·δ_n: ‖X·ΔW‖² where H = XᵀX. Blocks off the diagonal of the symmetric H count twice. */
function outputError(
  hessian: Float64Array,
  weights: Float32Array,
  [inputs, outputs]: readonly [number, number],
  grids: MatrixGrids,
  codes: Int8Array | Uint8Array,
  products: Products,
): number {
  const step = Math.ceil(outputs / mostOutputs);
  const count = Math.ceil(outputs / step);
  const deltas = new Float64Array(inputs * count);
  for (let k = 0; k < inputs; k++) {
    for (let n = 0; n < count; n++) {
      const at = k * outputs + n * step;
      deltas[k * count + n] = grids.number(k, n * step, codes[at] as number) - (weights[at] as number);
    }
  }
  const [h, d] = [matrixOf(hessian, inputs, inputs), matrixOf(deltas, inputs, count)];
  const columns = [0, count] as const;
  let total = 0;
  for (const rows of blocksOf(inputs, rowsOfError)) {
    const [from, to] = rows;
    const sums = new Float64Array((to - from) * count);
    const target = matrixOf(sums, to - from, count);
    products.add(target, partOf(h, rows, rows), partOf(d, rows, columns), 1);
    products.add(target, partOf(h, rows, [to, inputs]), partOf(d, [to, inputs], columns), 2);
    for (let i = 0; i < sums.length; i++) total += (sums[i] as number) * (deltas[from * count + i] as number);
  }
  return total;
}
