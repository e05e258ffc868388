import { elementary } from '../../numerics/index.ts';
import type { Histogram } from '../histogram.ts';
import { type Observer, type Range, withZero } from './observer.ts';

/** Codes that the values are shared out to. */
const levels = 256;

/** Thresholds that are tried, as fractions of the largest magnitude that was seen: 1, 0.99, … 0.1. */
const fractions = Array.from({ length: 91 }, (_, i) => 1 - i / 100);

/**
 * The range whose 256 levels lose the least information: the Kullback-Leibler divergence from the distribution that
 * was seen, cut off at a threshold of the magnitude (what lies beyond counts there), to the same one averaged over each
 * level.
 * Source: Migacz, 8-bit Inference with TensorRT (2017), there for 128 levels of magnitudes on 2048 bins.
 */
export const entropy: Observer = {
  name: 'entropy',
  summary: 'with the smallest Kullback-Leibler divergence of 256 levels from what was seen',
  choose({ histogram }) {
    const seen = withZero(histogram);
    if (histogram.width === 0) return seen;
    const largest = Math.max(seen.max, -seen.min);
    let best = seen;
    let least = Number.POSITIVE_INFINITY;
    for (const fraction of fractions) {
      const threshold = fraction * largest;
      const range = { min: Math.max(seen.min, -threshold), max: Math.min(seen.max, threshold) };
      const loss = divergence(histogram, range);
      if (loss < least) {
        least = loss;
        best = range;
      }
    }
    return best;
  },
};

/** Σ p·ln(p/q) over the bins of the range. */
function divergence({ counts, width, count }: Histogram, { min, max }: Range): number {
  const zero = counts.length / 2;
  const first = zero + Math.floor(min / width);
  const last = zero + Math.max(Math.ceil(max / width) - 1, 0);
  const inside = counts.subarray(first, last + 1);
  const kept = inside.slice();
  kept[0] = (kept[0] as number) + sum(counts.subarray(0, first));
  kept[kept.length - 1] = (kept.at(-1) as number) + sum(counts.subarray(last + 1));
  const coarse = averaged(inside);
  const total = sum(coarse);
  if (total === 0) return Number.POSITIVE_INFINITY;
  let loss = 0;
  for (let i = 0; i < kept.length; i++) {
    const p = (kept[i] as number) / count;
    if (p === 0) continue;
    // A bin that only holds what was cut off has no share in any level: a thousandth of a value stands for none.
    const q = Math.max(coarse[i] as number, 1e-3) / total;
    loss += p * elementary.log(p / q);
  }
  return loss;
}

/** Each level's values, spread evenly over those of its bins that hold any. */
function averaged(counts: Float64Array): Float64Array {
  const result = new Float64Array(counts.length);
  for (let level = 0; level < levels; level++) {
    const start = Math.ceil((level * counts.length) / levels);
    const end = Math.ceil(((level + 1) * counts.length) / levels);
    const part = counts.subarray(start, end);
    const occupied = part.reduce((n, count) => n + (count > 0 ? 1 : 0), 0);
    const mean = occupied === 0 ? 0 : sum(part) / occupied;
    for (let i = start; i < end; i++) if ((counts[i] as number) > 0) result[i] = mean;
  }
  return result;
}

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
