import type { Sample } from '../../src/pass/define.ts';

/**
 * Measures samples that lie evenly over the data, `most` at most, and gives what was found by their places. How many there
 * are is known at the end alone: whenever there are too many, every other one goes.
 */
export function spread<T>(samples: Iterable<Sample>, most: number, measure: (sample: Sample) => T): Map<number, T> {
  const found = new Map<number, T>();
  let distance = 1;
  let place = 0;
  for (const sample of samples) {
    if (place % distance === 0 && found.size === most) {
      distance *= 2;
      for (const i of found.keys()) if (i % distance !== 0) found.delete(i);
    }
    if (place % distance === 0) found.set(place, measure(sample));
    place++;
  }
  return found;
}
