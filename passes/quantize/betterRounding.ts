import type { Products } from '../../src/linalg/index.ts';
import { outputErrors } from './outputErrors.ts';
import { type MatrixGrids, type Rounding, roundToNearest } from './storedWeights.ts';

/** What became of a matrix that was rounded by what a method finds on calibration samples. */
export interface RoundingOutcome {
  /** Error of the layer's results on the samples, over that of rounding to nearest; 1 where that was kept. */
  readonly ratio: number;
}

/**
 * Rounds as a method says, or to nearest where the layer's results on the calibration samples get no better by it.
 * @param hessian XᵀX of the layer's inputs [K, K], row-major, times any positive factor
 * @param choose finds the nearest codes, and may put others in their place
 * @param tell gets what came out
 */
export function betterRounding(
  hessian: Float64Array,
  choose: Rounding,
  tell: (outcome: RoundingOutcome) => void,
  products: Products,
): Rounding {
  return (weights, shape, grids, codes) => {
    roundToNearest(weights, shape, grids, codes);
    const nearest = codes.slice();
    choose(weights, shape, grids, codes);
    const errorOf = (chosen: Int8Array | Uint8Array) => outputError(hessian, weights, shape, grids, chosen, products);
    const [before, after] = [errorOf(nearest), errorOf(codes)];
    const isBetter = after < before;
    if (!isBetter) codes.set(nearest);
    tell({ ratio: isBetter ? after / before : 1 });
  };
}

/** Outputs whose errors are summed, evenly spread: each is rounded by itself, and as many tell what all have gained. */
const mostOutputs = 512;

/** ‖X·ΔW‖² where H = XᵀX. */
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
  return outputErrors(hessian, deltas, inputs, count, products).reduce((total, error) => total + error, 0);
}
