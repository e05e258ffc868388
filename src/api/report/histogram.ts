/** Counts of values in equally wide bins between the least and the largest. */
export interface ValueHistogram {
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
}

const bins = 80;

/** The histogram of all finite values of some tensors; undefined when there are none. */
export function histogramOf(tensors: readonly ArrayLike<number>[]): ValueHistogram | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  const each = (visit: (value: number) => void) => {
    for (const values of tensors) {
      for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) visit(values[i] as number);
    }
  };
  each((value) => {
    min = Math.min(min, value);
    max = Math.max(max, value);
  });
  if (min > max) return undefined;
  const counts = new Array<number>(bins).fill(0);
  const scale = max > min ? bins / (max - min) : 0;
  each((value) => {
    const bin = Math.min(bins - 1, Math.floor((value - min) * scale));
    counts[bin] = (counts[bin] as number) + 1;
  });
  return { min, max, counts };
}
