import type { Grid } from './grid.ts';

/** A table of numbers: a code is a place in it. Of two levels equally near, the lower one. @param levels ascending */
export function codebookGrid(name: string, levels: readonly number[]): Grid {
  const bits = Math.max(1, 32 - Math.clz32(levels.length - 1));
  return {
    name,
    bits,
    largest: Math.max(...levels.map(Math.abs)),
    encode: (x) => nearest(levels, x),
    decode: (code) => levels[Math.min(code, levels.length - 1)] as number,
  };
}

function nearest(levels: readonly number[], x: number): number {
  let low = 0;
  let high = levels.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((levels[middle] as number) <= x) low = middle;
    else high = middle;
  }
  return x - (levels[low] as number) <= (levels[high] as number) - x ? low : high;
}

/**
 * NF4: means of equally likely parts of a normal distribution, scaled to ±1, with a zero.
 * Source: QLoRA (Dettmers et al., 2023), appendix E, with the numbers of bitsandbytes.
 */
export const nf4: Grid = codebookGrid(
  'nf4',
  [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
);

/**
 * Levels with the smallest squared error over the values: Lloyd's algorithm on sorted numbers, begun at the means of
 * equal shares. Source: Lloyd, Least squares quantization in PCM (1982).
 * @param weights importance of each value; default: all the same
 */
export function kMeansLevels(values: ArrayLike<number>, count: number, weights?: ArrayLike<number>): number[] {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[a] as number) - (values[b] as number),
  );
  const sums = new PrefixSums(order, values, weights);
  let borders = Array.from({ length: count + 1 }, (_, k) => Math.round((k * order.length) / count));
  let levels: number[] = [];
  for (let round = 0; round < 300; round++) {
    levels = Array.from({ length: count }, (_, k) => sums.mean(borders[k] as number, borders[k + 1] as number));
    const next = [
      0,
      ...levels.slice(1).map((level, k) => sums.firstAbove((level + (levels[k] as number)) / 2)),
      order.length,
    ];
    if (next.every((border, k) => border === borders[k])) break;
    borders = next;
  }
  return levels;
}

class PrefixSums {
  readonly #sorted: Float64Array;
  readonly #mass: Float64Array;
  readonly #moment: Float64Array;

  constructor(order: readonly number[], values: ArrayLike<number>, weights: ArrayLike<number> | undefined) {
    this.#sorted = Float64Array.from(order, (i) => values[i] as number);
    this.#mass = new Float64Array(order.length + 1);
    this.#moment = new Float64Array(order.length + 1);
    order.forEach((i, k) => {
      const weight = weights ? (weights[i] as number) : 1;
      this.#mass[k + 1] = (this.#mass[k] as number) + weight;
      this.#moment[k + 1] = (this.#moment[k] as number) + weight * (values[i] as number);
    });
  }

  /** The mean of sorted values [from, to); of none, the value at `from`. */
  mean(from: number, to: number): number {
    const mass = (this.#mass[to] as number) - (this.#mass[from] as number);
    if (mass <= 0) return this.#sorted[Math.min(from, this.#sorted.length - 1)] as number;
    return ((this.#moment[to] as number) - (this.#moment[from] as number)) / mass;
  }

  /** The first place whose value is above x. */
  firstAbove(x: number): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] as number) > x) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
