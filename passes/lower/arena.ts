/** A buffer that lives from the launch that writes it to the last one that reads it. */
export interface Interval {
  readonly bytes: number;
  readonly from: number;
  to: number;
}

/** Where each interval lies, and how many bytes they take together. */
export interface ArenaPlan {
  readonly offsets: readonly number[];
  readonly bytes: number;
  /** The largest sum of bytes that live at one time: no plan can take less. */
  readonly lowerBound: number;
}

/** Rounded up to a multiple of `alignment`. */
export function align(n: number, alignment: number): number {
  return Math.ceil(n / alignment) * alignment;
}

/**
 * Places intervals so that those that live at the same time don't overlap: largest first, each at the lowest
 * place that is free (greedy by size, Pisarchyk and Lee 2020, §5).
 */
export function planArena(intervals: readonly Interval[], alignment: number): ArenaPlan {
  const order = intervals.map((_, i) => i).sort((a, b) => at(intervals, b).bytes - at(intervals, a).bytes || a - b);
  const offsets = new Array<number>(intervals.length).fill(0);
  const placed: number[] = [];
  let bytes = 0;
  for (const i of order) {
    const own = at(intervals, i);
    const rivals = placed
      .filter((j) => at(intervals, j).from <= own.to && own.from <= at(intervals, j).to)
      .sort((a, b) => (offsets[a] as number) - (offsets[b] as number));
    let offset = 0;
    for (const j of rivals) {
      const other = offsets[j] as number;
      if (offset + own.bytes <= other) break;
      offset = Math.max(offset, align(other + at(intervals, j).bytes, alignment));
    }
    offsets[i] = offset;
    placed.push(i);
    bytes = Math.max(bytes, offset + own.bytes);
  }
  return { offsets, bytes: align(bytes, alignment), lowerBound: peak(intervals) };
}

function peak(intervals: readonly Interval[]): number {
  const last = intervals.reduce((n, interval) => Math.max(n, interval.to), 0);
  const change = new Array<number>(last + 2).fill(0);
  for (const { bytes, from, to } of intervals) {
    change[from] = (change[from] as number) + bytes;
    change[to + 1] = (change[to + 1] as number) - bytes;
  }
  let [now, most] = [0, 0];
  for (const step of change) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

function at(intervals: readonly Interval[], i: number): Interval {
  return intervals[i] as Interval;
}
