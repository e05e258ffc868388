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

  /** Counts every value. */
  add(values: ArrayLike<number>): void {
    let { min, max } = this;
    for (let i = 0; i < values.length; i++) {
      const x = values[i] as number;
      if (!Number.isFinite(x)) {
        this.notFinite ??= x;
        return;
      }
      if (x < min) min = x;
      if (x > max) max = x;
    }
    this.min = min;
    this.max = max;
    this.count += values.length;
    this.#widen(Math.max(Math.abs(min), Math.abs(max)));
    if (this.width === 0) {
      this.#zeros += values.length;
      return;
    }
    const inverse = 1 / this.width;
    for (let i = 0; i < values.length; i++) {
      const bin = Math.floor((values[i] as number) * inverse) + half;
      this.counts[bin] = (this.counts[bin] as number) + 1;
    }
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
}

/** The smallest power of two above x > 0 that keeps bin widths normal. */
function powerAbove(x: number): number {
  let power = 2 ** -900;
  while (power <= x) power *= 2;
  return power;
}
