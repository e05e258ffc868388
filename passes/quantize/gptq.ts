import { inverseUpperFactor } from '../../src/linalg/index.ts';
import { type Rounding, roundToNearest } from './storedWeights.ts';

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
export function gptqRounding(hessian: Float64Array, tell: (outcome: GptqOutcome) => void): Rounding {
  return (weights, shape, gridAt, codes) => {
    const [inputs, outputs] = shape;
    roundToNearest(weights, shape, gridAt, codes);
    const nearest = codes.slice();
    const order = actOrder(hessian, inputs);
    const { factor, damping } = factorOf(hessian, order);
    if (!factor) return tell({ ratio: 1, damping });
    spreadErrors(weights, order, outputs, factor, gridAt, codes);
    const errorOf = (chosen: Int8Array | Uint8Array) =>
      outputError(hessian, shape, (k, n) => {
        const at = k * outputs + n;
        return gridAt(k, n).number(chosen[at] as number) - (weights[at] as number);
      });
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
    const factor = inverseUpperFactor(damped, n);
    if (factor) return { factor, damping };
  }
  return { damping: undefined };
}

/** Inputs whose errors are spread at once to those after them. */
const block = 64;

function spreadErrors(
  weights: Float32Array,
  order: readonly number[],
  outputs: number,
  factor: Float64Array,
  gridAt: Parameters<Rounding>[2],
  codes: Int8Array | Uint8Array,
): void {
  const n = order.length;
  const left = new Float64Array(n * outputs);
  order.forEach((k, i) => {
    left.set(weights.subarray(k * outputs, (k + 1) * outputs), i * outputs);
  });
  const errors = new Float64Array(block * outputs);
  for (let from = 0; from < n; from += block) {
    const to = Math.min(from + block, n);
    for (let i = from; i < to; i++) {
      const k = order[i] as number;
      const error = errors.subarray((i - from) * outputs, (i - from + 1) * outputs);
      const pivot = factor[i * n + i] as number;
      for (let c = 0; c < outputs; c++) {
        const grid = gridAt(k, c);
        const w = left[i * outputs + c] as number;
        const code = grid.code(w);
        codes[k * outputs + c] = code;
        error[c] = (w - grid.number(code)) / pivot;
      }
      for (let j = i + 1; j < to; j++) subtract(left, j * outputs, error, factor[i * n + j] as number);
    }
    for (let j = to; j < n; j++) {
      for (let i = from; i < to; i++) {
        const error = errors.subarray((i - from) * outputs, (i - from + 1) * outputs);
        subtract(left, j * outputs, error, factor[i * n + j] as number);
      }
    }
  }
}

function subtract(target: Float64Array, at: number, source: Float64Array, factor: number): void {
  for (let c = 0; c < source.length; c++) target[at + c] = (target[at + c] as number) - factor * (source[c] as number);
}

/** Σ_n δ_nᵀ·H·δ_n: ‖X·ΔW‖² where H = XᵀX. */
function outputError(
  hessian: Float64Array,
  [inputs, outputs]: readonly [number, number],
  difference: (k: number, n: number) => number,
): number {
  let total = 0;
  const deltas = Float64Array.from({ length: inputs * outputs }, (_, i) =>
    difference(Math.floor(i / outputs), i % outputs),
  );
  const row = new Float64Array(outputs);
  for (let k = 0; k < inputs; k++) {
    row.fill(0);
    for (let j = 0; j < inputs; j++)
      subtract(row, 0, deltas.subarray(j * outputs, (j + 1) * outputs), -(hessian[k * inputs + j] as number));
    for (let n = 0; n < outputs; n++) total += (row[n] as number) * (deltas[k * outputs + n] as number);
  }
  return total;
}
