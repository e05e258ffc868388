import { decibels } from '../measure/decibels.ts';

/** Signal-to-noise ratio of weights at a width. */
export interface WeightPrecision {
  readonly bits: number;
  readonly snr: number;
}

const widths = [2, 3, 4, 5, 6, 7, 8] as const;

/**
 * How much of a layer's weights survives at 2 to 8 bits: symmetric codes with one scale for each slice along `axis`,
 * from the largest magnitude, rounded to nearest. In dB of the weights' own power.
 *
 * @param shape of the weights, row-major
 */
export function weightPrecision(weights: ArrayLike<number>, shape: readonly number[], axis: number): WeightPrecision[] {
  const slices = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const sliceOf = (i: number) => Math.floor(i / inner) % slices;
  const largest = new Float64Array(slices);
  let signal = 0;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i] as number;
    const slice = sliceOf(i);
    largest[slice] = Math.max(largest[slice] as number, Math.abs(w));
    signal += w * w;
  }
  return widths.map((bits) => {
    const top = 2 ** (bits - 1) - 1;
    let noise = 0;
    for (let i = 0; i < weights.length; i++) {
      const w = weights[i] as number;
      const step = (largest[sliceOf(i)] as number) / top;
      const code = step > 0 ? Math.round(w / step) : 0;
      noise += (w - code * step) ** 2;
    }
    return { bits, snr: noise === 0 ? Number.POSITIVE_INFINITY : decibels(signal / noise) };
  });
}
