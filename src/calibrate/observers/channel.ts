import { lp, squaredError } from './leastError.ts';
import { type Observer, type Range, withZero } from './observer.ts';

/** Shares of the channels that are tried for each end: 1, 0.95, … 0.5. */
const shares = Array.from({ length: 11 }, (_, i) => 1 - i / 20);

/**
 * Dual clipping: a few channels hold the outliers, others at the low end than at the high one. Each end is cut by
 * itself at a quantile of the channels' own extremes; of all pairs that with the smallest squared error is taken.
 */
export const channel: Observer = {
  name: 'channel',
  summary:
    "each end at a quantile of the channels' own extremes, both with the smallest mean squared quantization error",
  needs: 'channels',
  choose(seen) {
    const { histogram, channels } = seen;
    if (!channels) return lp.choose(seen);
    const lows = channels.low.map((low) => -low).toSorted((a, b) => a - b);
    const highs = channels.high.toSorted((a, b) => a - b);
    let best: Range = withZero(histogram);
    let least = squaredError(histogram, best);
    for (const below of shares) {
      for (const above of shares) {
        const range = withZero({ min: -at(lows, below), max: at(highs, above) });
        const error = squaredError(histogram, range);
        if (error < least) [best, least] = [range, error];
      }
    }
    return best;
  },
};

/** The smallest of the sorted values that a share of them does not exceed. */
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(Math.ceil(share * sorted.length - 1e-9) - 1, 0)] as number;
