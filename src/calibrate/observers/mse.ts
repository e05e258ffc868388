import { chooseActivationParams, halfEven } from '../../numerics/index.ts';
import type { Histogram } from '../histogram.ts';
import { type Observer, type Range, withZero } from './observer.ts';

/** Ends that are tried, as fractions of the end that was seen: 1, 0.99, … 0.2. */
const fractions = Array.from({ length: 81 }, (_, i) => 1 - i / 100);

/** The range with the smallest mean squared error of quantizing what was seen, found end by end on a grid. */
export const mse: Observer = {
  name: 'mse',
  summary: 'with the smallest mean squared quantization error',
  choose(histogram) {
    const seen = withZero(histogram);
    let best = seen;
    // The ends hardly depend on one another: the second round changes little, a third nothing.
    for (let round = 0; round < 2; round++) {
      best = bestOf(
        histogram,
        ends(seen.max).map((max) => ({ min: best.min, max })),
      );
      best = bestOf(
        histogram,
        ends(seen.min).map((min) => ({ min, max: best.max })),
      );
    }
    return best;
  },
};

const ends = (seen: number): number[] => (seen === 0 ? [0] : fractions.map((fraction) => fraction * seen));

function bestOf(histogram: Histogram, ranges: readonly Range[]): Range {
  const bins = histogram.bins();
  let best = ranges[0] as Range;
  let smallest = Number.POSITIVE_INFINITY;
  for (const range of ranges) {
    const error = squaredError(bins, range);
    if (error < smallest) {
      smallest = error;
      best = range;
    }
  }
  return best;
}

/** Σ (x − dequantize(quantize(x)))² with 8-bit codes, every value taken as its bin's centre. */
function squaredError(bins: readonly { centre: number; count: number }[], { min, max }: Range): number {
  const { scale, zeroPoint } = chooseActivationParams(min, max);
  const low = (-128 - zeroPoint) * scale;
  const high = (127 - zeroPoint) * scale;
  let sum = 0;
  for (const { centre, count } of bins) {
    const nearest = centre < low ? low : centre > high ? high : halfEven(centre / scale) * scale;
    sum += count * (centre - nearest) * (centre - nearest);
  }
  return sum;
}
