import type { Histogram } from '../histogram.ts';
import { lp, squaredError } from './leastError.ts';
import { type Observer, type Range, withZero } from './observer.ts';

/** Shares of the tokens that are tried: 1, 0.99, … 0.5. */
const shares = Array.from({ length: 51 }, (_, i) => 1 - i / 100);

/**
 * Token-wise clipping: a few tokens (separators, starts) hold the outliers. Both ends are cut at the same quantile of
 * the tokens' own extremes, that with the smallest squared error.
 * Source: Wei et al., Outlier Suppression (2022), section 4.2; there the error of the model's results decides.
 */
export const token: Observer = {
  name: 'token',
  summary: "at a quantile of the tokens' own extremes, that with the smallest mean squared quantization error",
  needs: 'tokens',
  choose(seen) {
    const { histogram, tokens } = seen;
    if (!tokens) return lp.choose(seen);
    let best = withZero(histogram);
    let least = squaredError(histogram, best);
    for (const share of shares) {
      const range = withZero({ min: -quantile(tokens.low, share, -1), max: quantile(tokens.high, share, 1) });
      const error = squaredError(histogram, clipped(range, histogram));
      if (error < least) [best, least] = [clipped(range, histogram), error];
    }
    return best;
  },
};

const clipped = ({ min, max }: Range, seen: Range): Range =>
  withZero({ min: Math.max(min, seen.min), max: Math.min(max, seen.max) });

/** The border of bins below which a share of sign·values lies. */
function quantile(histogram: Histogram, share: number, sign: 1 | -1): number {
  const bins = sign > 0 ? histogram.bins() : histogram.bins().toReversed();
  let below = 0;
  for (const { centre, count } of bins) {
    below += count;
    if (below >= share * histogram.count) return sign * centre + histogram.width / 2;
  }
  return 0;
}
