import type { HostTensor } from '../../src/support/tensor.ts';

/** Smallest and largest value that a sum can take. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** An interval of sums, and how its ends come about, as arithmetic that can be checked. */
export interface ProvedInterval extends Interval {
  readonly proof: { readonly low: string; readonly high: string };
}

/** Whether every value of the interval is an i32. */
export function fitsI32({ low, high }: Interval): boolean {
  return low >= -(2 ** 31) && high < 2 ** 31;
}

/**
 * What Σ (x − z)·w + bias can be for each index of `axis` of the weights, over all codes x. Padding adds (z − z)·w = 0,
 * which lies within, as z is a code.
 * @param codes smallest and largest code of x
 */
export function contractionRanges(
  weights: HostTensor,
  axis: number,
  bias: ArrayLike<number> | undefined,
  zeroPoint: number,
  codes: readonly [number, number],
): ProvedInterval[] {
  const channels = weights.shape[axis] as number;
  const inner = weights.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const positive = new Float64Array(channels);
  const negative = new Float64Array(channels);
  const data = weights.data as Int8Array;
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / inner) % channels;
    const w = data[i] as number;
    if (w > 0) positive[c] = (positive[c] as number) + w;
    else negative[c] = (negative[c] as number) + w;
  }
  const [least, most] = [codes[0] - zeroPoint, codes[1] - zeroPoint];
  return Array.from({ length: channels }, (_, c) => {
    const [p, n, b] = [positive[c] as number, negative[c] as number, bias?.[c] ?? 0];
    const proof = (x: number, y: number) => `${p}·${x} + ${n}·${y} + ${b} in channel ${c}`;
    return {
      ...{ low: p * least + n * most + b, high: p * most + n * least + b },
      proof: {
        get low() {
          return proof(least, most);
        },
        get high() {
          return proof(most, least);
        },
      },
    };
  });
}

/** What a sum of `count` products or differences can be, each within `term`. */
export function sumRange(count: number, term: Interval): ProvedInterval {
  const proof = { low: `${count}·${term.low}`, high: `${count}·${term.high}` };
  return { low: count * term.low, high: count * term.high, proof };
}

/** Bits of a two's complement number that holds the interval. */
export function bitsNeeded({ low, high }: Interval): number {
  let bits = 1;
  while (low < -(2 ** (bits - 1)) || high > 2 ** (bits - 1) - 1) bits++;
  return bits;
}
