import { weightCode } from './weights.ts';

/** Scales that are tried, as fractions of the one whose codes reach the largest weight. */
const fractions = Array.from({ length: 61 }, (_, i) => 1 - i / 100);

/**
 * The scale, at most `scale` and at least 0.4 of it, with the smallest squared error of symmetric codes; the largest
 * of several equals. What lies beyond the largest code takes it.
 */
export function leastErrorScale(weights: ArrayLike<number>, scale: number, bits: number): number {
  let best = scale;
  let least = Number.POSITIVE_INFINITY;
  for (const fraction of fractions) {
    const candidate = Math.fround(scale * fraction);
    let error = 0;
    for (let i = 0; i < weights.length; i++) {
      const w = weights[i] as number;
      const difference = w - weightCode(w, candidate, bits) * candidate;
      error += difference * difference;
    }
    if (error < least) {
      least = error;
      best = candidate;
    }
  }
  return best;
}
