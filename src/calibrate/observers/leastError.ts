import { chooseActivationParams, halfEven } from '../../numerics/index.ts';
import type { Histogram } from '../histogram.ts';
import { type Observer, type Range, withZero } from './observer.ts';

/** Ends that are tried, as fractions of the end that was seen: 1, 0.99, … 0.2. */
const fractions = Array.from({ length: 81 }, (_, i) => 1 - i / 100);

type Bins = ReturnType<Histogram['bins']>;

/** What it counts that x becomes y, where codes stand `step` apart. */
type Penalty = (x: number, y: number, step: number) => number;

/** The range with the smallest sum of penalties over what was seen, found end by end on a grid. */
export function leastError(name: string, summary: string, penalty: Penalty): Observer {
  return {
    name,
    summary,
    choose({ histogram }) {
      const seen = withZero(histogram);
      const bins = histogram.bins();
      let best = seen;
      // The ends hardly depend on one another: the second round changes little, a third nothing.
      for (let round = 0; round < 2; round++) {
        const { min } = best;
        best = bestOf(
          bins,
          penalty,
          ends(seen.max).map((max) => ({ min, max })),
        );
        const { max } = best;
        best = bestOf(
          bins,
          penalty,
          ends(seen.min).map((low) => ({ min: low, max })),
        );
      }
      return best;
    },
  };
}

export const mse: Observer = leastError(
  'mse',
  'with the smallest mean squared quantization error',
  (x, y) => (x - y) * (x - y),
);

/**
 * Σ |e|^2.5: a large error counts for more than in the mean square, so that fewer large activations are cut off;
 * they tend to be the ones that decide. Source of the idea: BRECQ (Li et al., 2021), whose code uses |e|^2.4.
 */
export const lp: Observer = leastError(
  'lp',
  'with the smallest sum of quantization errors to the power 2.5',
  (x, y) => {
    const e = Math.abs(x - y);
    return e * e * Math.sqrt(e);
  },
);

/** The sum of the squared errors of 8-bit codes of a range. */
export const squaredError = (histogram: Histogram, range: Range): number =>
  totalPenalty(histogram.bins(), (x, y) => (x - y) * (x - y), range);

const ends = (seen: number): number[] => (seen === 0 ? [0] : fractions.map((fraction) => fraction * seen));

function bestOf(bins: Bins, penalty: Penalty, ranges: readonly Range[]): Range {
  let best = ranges[0] as Range;
  let smallest = Number.POSITIVE_INFINITY;
  for (const range of ranges) {
    const error = totalPenalty(bins, penalty, range);
    if (error < smallest) {
      smallest = error;
      best = range;
    }
  }
  return best;
}

/** Σ penalty(x, dequantize(quantize(x))) with 8-bit codes, every value taken as its bin's centre. */
function totalPenalty(bins: Bins, penalty: Penalty, { min, max }: Range): number {
  const { scale, zeroPoint } = chooseActivationParams(min, max);
  const low = (-128 - zeroPoint) * scale;
  const high = (127 - zeroPoint) * scale;
  let sum = 0;
  for (const { centre, count } of bins) {
    const nearest = centre < low ? low : centre > high ? high : halfEven(centre / scale) * scale;
    sum += count * penalty(centre, nearest, scale);
  }
  return sum;
}
