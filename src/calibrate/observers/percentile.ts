import { QcError } from '../../support/diagnostics.ts';
import type { Histogram } from '../histogram.ts';
import { type Observer, withZero } from './observer.ts';

/**
 * At most 100 − `percent` percent of the values lie beyond either end.
 * @param percent in (50, 100]
 */
export function percentile(percent: number): Observer {
  if (!(percent > 50 && percent <= 100)) {
    throw new QcError({
      what: `${percent} is no percentile`,
      help: 'give a number above 50, at most 100, such as 99.99',
    });
  }
  return {
    name: 'percentile',
    summary: `without the outermost ${100 - percent} percent at either end`,
    choose: ({ histogram }) => withZero(withoutTails(histogram, (1 - percent / 100) * histogram.count)),
  };
}

/** Ends are bin borders, never beyond what was seen. */
function withoutTails(histogram: Histogram, tail: number): { min: number; max: number } {
  const bins = histogram.bins();
  const { width } = histogram;
  const border = (ordered: typeof bins): number => {
    let beyond = 0;
    for (const { centre, count } of ordered) {
      beyond += count;
      if (beyond > tail) return centre;
    }
    return 0;
  };
  const min = border(bins) - width / 2;
  const max = border(bins.toReversed()) + width / 2;
  return { min: Math.max(min, histogram.min), max: Math.min(max, histogram.max) };
}
