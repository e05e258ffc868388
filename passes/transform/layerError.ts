import type { LayerScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { storeWeights } from '../quantize/mixedWidths.ts';
import { roundActivations } from '../quantize/roundActivations.ts';

/** Rows of a layer's input [count, inputs]. */
export interface InputRows {
  readonly rows: Float32Array;
  readonly count: number;
}

/** What rounding does to a layer's results on some rows [count, outputs]. */
export interface RoundedResults {
  readonly exact: Float64Array;
  readonly rounded: Float64Array;
}

/**
 * X·W and Q(X)·Q(W), Q as the scheme rounds; bias and clamp are left out.
 * @param weights [inputs, outputs]
 */
export function roundedResults({ rows, count }: InputRows, weights: HostTensor, scheme: LayerScheme): RoundedResults {
  const { weights: w, activations: a } = scheme;
  const shape = weights.shape as [number, number];
  const data = Float32Array.from(weights.data as Float64Array);
  const exact = product(rows, data, count, shape);
  if (!w && !a) return { exact, rounded: exact };
  const stored = w ? storeWeights({ dtype: 'f32', shape, data }, w).numbers : data;
  const inputs = a ? roundActivations(rows, shape[0], a) : rows;
  return { exact, rounded: product(inputs, stored, count, shape) };
}

/** ‖Q(X)·Q(W) − X·W‖²/‖X·W‖²; 0 where the scheme rounds nothing or the product is zero. */
export function layerError(x: InputRows, weights: HostTensor, scheme: LayerScheme): number {
  const { exact, rounded } = roundedResults(x, weights, scheme);
  return squaredDistance(rounded, exact);
}

/** ‖a‖² */
export function squares(a: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) ** 2;
  return sum;
}

/** ‖a − b‖²/‖b‖² */
export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [error, power] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error += ((a[i] as number) - (b[i] as number)) ** 2;
    power += (b[i] as number) ** 2;
  }
  return power > 0 ? error / power : 0;
}

/** [count, K]·[K, N]. */
export function product(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  count: number,
  [inputs, outputs]: readonly [number, number],
): Float64Array {
  const y = new Float64Array(count * outputs);
  for (let r = 0; r < count; r++) {
    const out = y.subarray(r * outputs, (r + 1) * outputs);
    for (let k = 0; k < inputs; k++) {
      const v = x[r * inputs + k] as number;
      if (v === 0) continue;
      for (let n = 0; n < outputs; n++) out[n] = (out[n] as number) + v * (w[k * outputs + n] as number);
    }
  }
  return y;
}
