import { matrixOf, plainProducts } from '../../src/linalg/index.ts';
import { clamp, elementary } from '../../src/numerics/index.ts';
import { betterRounding, type RoundingOutcome } from './betterRounding.ts';
import type { MatrixGrids, Rounding } from './storedWeights.ts';

/** h(v) = clamp(σ(v)·(ζ − γ) + γ, 0, 1), the rectified sigmoid of equation 23. */
const [zeta, gamma] = [1.1, -0.1];

/** Weight of the term that drives every h to 0 or 1, in units of the error that rounding to nearest makes a weight. */
const lambda = 3;

/** β of that term, at the beginning and at the end. */
const [firstBeta, lastBeta] = [20, 2];

/** Adam's constants; Source: Kingma, Ba: Adam (2015), algorithm 1. */
const [rate, decay, squareDecay, epsilon] = [0.5, 0.9, 0.999, 1e-12];

const turns = 200;

/**
 * Learns for each weight whether it is rounded down or up: w' = below + h(v)·(above − below) between the two numbers of
 * its grid that enclose it. ‖X·W' − X·W‖² + λ·Σ(1 − |2h(v) − 1|^β) becomes small by gradient descent on v with Adam, β
 * falling; the gradient of the error is 2·XᵀX·(W' − W), so that all calibration samples count in every step. Where the
 * result is worse than rounding to nearest would be, that is kept.
 * Source: Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization (2020), section 3.3.
 *
 * @param hessian XᵀX of the layer's inputs [K, K], row-major, times any positive factor
 * @param tell gets what came out
 */
export function adaRounding(
  hessian: Float64Array,
  tell: (outcome: RoundingOutcome) => void,
  products = plainProducts,
): Rounding {
  const choose: Rounding = (weights, shape, grids, codes) => {
    const [inputs, outputs] = shape;
    const free = freeWeights(weights, shape, grids, codes);
    const [differences, gradient] = [new Float64Array(weights.length), new Float64Array(weights.length)];
    codes.forEach((code, at) => {
      differences[at] = grids.number(Math.floor(at / outputs), at % outputs, code) - (weights[at] as number);
    });
    const [h, d, g] = [
      matrixOf(hessian, inputs, inputs),
      matrixOf(differences, inputs, outputs),
      matrixOf(gradient, inputs, outputs),
    ];
    const setGradient = () => {
      gradient.fill(0);
      products.add(g, h, d, 2);
    };
    setGradient();
    const nearest = differences.reduce((sum, x, at) => sum + (x * (gradient[at] as number)) / 2, 0);
    if (free.length === 0 || !(nearest > 0)) return;
    const unit = free.length / nearest;
    const v = Float64Array.from(free, ({ w, below, step }) => inverse((w - below) / step));
    const slopes = new Float64Array(free.length);
    const [means, squares] = [new Float64Array(free.length), new Float64Array(free.length)];
    for (let turn = 0; turn < turns; turn++) {
      const beta = betaOf(turn);
      free.forEach(({ at, w, below, step }, i) => {
        const sigmoid = elementary.sigmoid(v[i] as number);
        const stretched = sigmoid * (zeta - gamma) + gamma;
        const inside = stretched > 0 && stretched < 1;
        slopes[i] = inside ? sigmoid * (1 - sigmoid) * (zeta - gamma) : 0;
        differences[at] = below + clamp(stretched, 0, 1) * step - w;
      });
      setGradient();
      const [meanFactor, squareFactor] = [1 - decay ** (turn + 1), 1 - squareDecay ** (turn + 1)];
      free.forEach(({ at, w, below, step }, i) => {
        const away = (2 * ((differences[at] as number) + w - below)) / step - 1;
        const rounding = -2 * beta * oddPower(away, beta - 1);
        const slope = (slopes[i] as number) * (unit * (gradient[at] as number) * step + lambda * rounding);
        const mean = decay * (means[i] as number) + (1 - decay) * slope;
        const square = squareDecay * (squares[i] as number) + (1 - squareDecay) * slope * slope;
        means[i] = mean;
        squares[i] = square;
        v[i] = (v[i] as number) - (rate * mean) / meanFactor / (Math.sqrt(square / squareFactor) + epsilon);
      });
    }
    free.forEach(({ at, low, high }, i) => {
      codes[at] = (v[i] as number) >= 0 ? high : low;
    });
  };
  return betterRounding(hessian, choose, tell, products);
}

/** β falls in even numbers, so that |x|^β needs no sign. */
const betaOf = (turn: number): number =>
  2 * Math.round((lastBeta + (firstBeta - lastBeta) * (1 - turn / (turns - 1))) / 2);

/** x^n for an odd n. */
function oddPower(x: number, n: number): number {
  let power = x;
  for (let i = 1; i < n; i += 2) power *= x * x;
  return power;
}

/** A weight between two numbers of its grid, and their codes. */
interface FreeWeight {
  readonly at: number;
  readonly w: number;
  /** The number below it, and how far the one above is from that. */
  readonly below: number;
  readonly step: number;
  readonly low: number;
  readonly high: number;
}

/** Weights beyond the ends of their grid, or on it, have one code. @param codes the nearest ones */
function freeWeights(
  weights: Float32Array,
  [inputs, outputs]: readonly [number, number],
  grids: MatrixGrids,
  codes: Int8Array | Uint8Array,
): FreeWeight[] {
  const free: FreeWeight[] = [];
  for (let k = 0, at = 0; k < inputs; k++) {
    for (let n = 0; n < outputs; n++, at++) {
      const w = weights[at] as number;
      const near = codes[at] as number;
      const number = grids.number(k, n, near);
      const other = w === number ? undefined : grids.neighbour(near, w > number ? 1 : -1);
      if (other === undefined) continue;
      const [low, high] = w > number ? [near, other] : [other, near];
      const below = grids.number(k, n, low);
      free.push({ at, w, low, high, below, step: grids.number(k, n, high) - below });
    }
  }
  return free;
}

/** v with h(v) = h, for 0 ≤ h ≤ 1. */
function inverse(h: number): number {
  const sigmoid = (h - gamma) / (zeta - gamma);
  return -elementary.log(1 / sigmoid - 1);
}
