/** Bins on each side of zero. */
const half = 2048;

/**
 * A histogram that grows with its data, in memory that does not: 4096 bins of width 2^e around zero. When a value
 * lies outside, neighbouring bins are joined and the width doubles, which loses nothing: the result is the same as
 * if the final width had been known from the start, in whatever order and portions the values came.
 */
export class Histogram {
  /** Smallest and largest value seen; Infinity and −Infinity before any. */
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Number of values seen. */
  count = 0;
  /** Width of a bin, a power of two; 0 as long as all values were zero. */
  width = 0;
  /** Bin i holds values in [(i − 2048)·width, (i − 2047)·width). */
  readonly counts: Float64Array = new Float64Array(2 * half);
  /** The first NaN or infinity seen, if any: such values are not counted, nor those that came with them. */
  notFinite: number | undefined;
  #zeros = 0;

  /**
   * Counts every value; one beyond [`low`, `high`] counts as that end. The smallest and the largest of them; Infinity
   * and −Infinity where there is nothing to count.
   */
  add(
    values: ArrayLike<number>,
    low = Number.NEGATIVE_INFINITY,
    high = Number.POSITIVE_INFINITY,
  ): { min: number; max: number } {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < values.length; i++) {
      const x = values[i] as number;
      if (!(x - x === 0)) {
        this.notFinite ??= x;
        return { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
      }
      if (x < least) least = x;
      if (x > most) most = x;
    }
    if (values.length === 0) return { min: least, max: most };
    const range = { min: Math.min(Math.max(least, low), high), max: Math.max(Math.min(most, high), low) };
    this.min = Math.min(this.min, range.min);
    this.max = Math.max(this.max, range.max);
    this.count += values.length;
    this.#widen(Math.max(Math.abs(this.min), Math.abs(this.max)));
    if (this.width === 0) {
      this.#zeros += values.length;
      return range;
    }
    const { counts } = this;
    const inverse = 1 / this.width;
    for (let i = 0; i < values.length; i++) {
      const x = values[i] as number;
      const bin = Math.floor((x < low ? low : x > high ? high : x) * inverse) + half;
      counts[bin] = (counts[bin] as number) + 1;
    }
    return range;
  }

  /** Counts everything that another histogram has counted: the result is as if one had seen all values. */
  merge(other: Histogram): void {
    this.notFinite ??= other.notFinite;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.count += other.count;
    if (other.width === 0) {
      this.#addZeros(other.#zeros);
      return;
    }
    this.#widen(half * other.width * (1 - 2 ** -52));
    const ratio = this.width / other.width;
    other.counts.forEach((count, i) => {
      const to = Math.floor((i - half) / ratio) + half;
      this.counts[to] = (this.counts[to] as number) + count;
    });
  }

  #addZeros(zeros: number): void {
    if (this.width === 0) this.#zeros += zeros;
    else this.counts[half] = (this.counts[half] as number) + zeros;
  }

  /** Makes bins wide enough for magnitudes up to `absmax`. */
  #widen(absmax: number): void {
    if (absmax === 0 || absmax === Number.POSITIVE_INFINITY) return;
    if (this.width === 0) {
      this.width = powerAbove(absmax) / half;
      this.counts[half] = this.#zeros;
      return;
    }
    while (absmax >= half * this.width) this.#double();
  }

  #double(): void {
    const wider = new Float64Array(2 * half);
    for (let i = 0; i < 2 * half; i++) {
      const to = Math.floor((i - half) / 2) + half;
      wider[to] = (wider[to] as number) + (this.counts[i] as number);
    }
    this.counts.set(wider);
    this.width *= 2;
  }

  /** Bins that hold something: the middle of each and its count. All zeros give one bin at 0. */
  bins(): { centre: number; count: number }[] {
    if (this.width === 0) return this.#zeros > 0 ? [{ centre: 0, count: this.#zeros }] : [];
    const bins: { centre: number; count: number }[] = [];
    this.counts.forEach((count, i) => {
      if (count > 0) bins.push({ centre: (i - half + 0.5) * this.width, count });
    });
    return bins;
  }

  /** What `fromRecord` makes the same histogram of. */
  toRecord(): HistogramRecord {
    const { min, max, count, width } = this;
    const first = this.counts.findIndex((n) => n > 0);
    const last = this.counts.findLastIndex((n) => n > 0);
    const counts = width === 0 ? [] : [...this.counts.subarray(first, last + 1)];
    const common = { count, width, first: width === 0 ? 0 : first - half, counts };
    const notFinite = this.notFinite === undefined ? {} : { notFinite: `${this.notFinite}` };
    return count > 0 ? { min, max, ...common, ...notFinite } : { min: 0, max: 0, ...common, first: 0, ...notFinite };
  }

  /** The histogram that was written down. */
  static fromRecord({ min, max, count, width, first, counts, notFinite }: HistogramRecord): Histogram {
    const histogram = new Histogram();
    if (notFinite !== undefined) histogram.notFinite = Number(notFinite);
    if (count === 0) return histogram;
    histogram.min = min;
    histogram.max = max;
    histogram.count = count;
    histogram.width = width;
    histogram.#zeros = width === 0 ? count : 0;
    histogram.counts.set(counts, first + half);
    return histogram;
  }
}

/** A histogram as plain data. */
export interface HistogramRecord {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  /** 0, or the power of two that every bin is wide. */
  readonly width: number;
  /** Number of the first bin in `counts`: bin 0 begins at 0. */
  readonly first: number;
  readonly counts: readonly number[];
  /** `NaN`, `Infinity` or `-Infinity`, where one was seen. */
  readonly notFinite?: string | undefined;
}

/** The smallest power of two above x > 0 that keeps bin widths normal. */
function powerAbove(x: number): number {
  let power = 2 ** -900;
  while (power <= x) power *= 2;
  return power;
}
