import {
  blocksOf,
  inverseUpperFactor,
  matrixOf,
  type Products,
  partOf,
  plainProducts,
  transposed,
} from '../../src/linalg/index.ts';
import { betterRounding, type RoundingOutcome } from './betterRounding.ts';
import type { MatrixGrids, Rounding } from './storedWeights.ts';

/** What became of a matrix that GPTQ was asked to round. */
export interface GptqOutcome extends RoundingOutcome {
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
  let damping: number | undefined;
  const choose: Rounding = (weights, [inputs, outputs], grids, codes) => {
    const order = actOrder(hessian, inputs);
    const found = factorOf(hessian, order, products);
    damping = found.damping;
    if (found.factor) spreadErrors(weights, order, outputs, found.factor, grids, codes, products);
  };
  return betterRounding(hessian, choose, ({ ratio }) => tell({ ratio, damping }), products);
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
