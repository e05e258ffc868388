import type { Choice } from './allocation.ts';

/** A thing that is stored in one of some widths, and how much of it there is. */
export interface Sized {
  /** One for each width. */
  readonly choices: readonly Choice[];
  readonly weights: number;
}

/**
 * Widths in closed form: with the cost c·4⁻ᵇ a weight, the least sum within a budget gives every weight the same loss,
 * b = b̄ + ½·log2(c/c̄), c̄ the geometric mean. c is read off the cost at one width, b taken to the nearest width that there is,
 * and b̄ is the largest for which all sizes sum to the budget at most.
 * Source: Zhang et al., BAQ (2025).
 * @param widths in rising order
 * @param log2 of positive numbers
 * @returns for each thing the place of its choice; undefined where even the smallest exceed the budget
 */
export function equalLoss(
  things: readonly Sized[],
  widths: readonly number[],
  budget: number,
  log2: (x: number) => number,
): number[] | undefined {
  const middle = widths.length >> 1;
  const width = widths[middle] as number;
  const shifts = things.map(({ choices, weights }) => {
    const cost = (choices[middle] as Choice).cost / weights;
    return cost > 0 ? log2(cost) / 2 + width : Number.NEGATIVE_INFINITY;
  });
  const placesAt = (mean: number) => shifts.map((shift) => nearest(widths, shift + mean));
  const sizeOf = (places: readonly number[]) =>
    places.reduce((sum, place, i) => sum + ((things[i] as Sized).choices[place] as Choice).size, 0);
  const finite = shifts.filter(Number.isFinite);
  const [first, last] = [widths[0] as number, widths.at(-1) as number];
  let low = first - 1 - Math.max(...finite, 0);
  let high = last + 1 - Math.min(...finite, 0);
  if (sizeOf(placesAt(low)) > budget) return undefined;
  if (sizeOf(placesAt(high)) <= budget) return placesAt(high);
  for (let turn = 0; turn < 60; turn++) {
    const mean = (low + high) / 2;
    if (sizeOf(placesAt(mean)) <= budget) low = mean;
    else high = mean;
  }
  return placesAt(low);
}

/** The place of the width nearest to a number; of two as near the smaller one. */
function nearest(widths: readonly number[], bits: number): number {
  let best = 0;
  widths.forEach((width, place) => {
    if (Math.abs(width - bits) < Math.abs((widths[best] as number) - bits)) best = place;
  });
  return best;
}
