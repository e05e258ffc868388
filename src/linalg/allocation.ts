/** One way to treat a thing, of which exactly one is taken: what it takes of a budget, and what it costs otherwise. */
export interface Choice {
  /** A whole number, at least 0. */
  readonly size: number;
  readonly cost: number;
}

/** Cells of the table at most; more are joined. */
const mostCells = 2 ** 15;

/**
 * The choices with the least summed cost whose sizes sum to the budget at most: the multiple-choice knapsack, by dynamic
 * programming over sizes (Dudziński and Walukiewicz 1987). It is exact where what is free beyond the smallest choices has
 * at most 2¹⁵ steps of the sizes' common divisor; else sizes are rounded up to as many steps, and less than one step a
 * thing stays unused.
 * @param things for each its choices, at least one
 * @returns for each thing the place of its choice; undefined where even the smallest exceed the budget
 */
export function leastCost(things: readonly (readonly Choice[])[], budget: number): number[] | undefined {
  const smallest = things.map((choices) => choices.reduce((least, { size }) => Math.min(least, size), Infinity));
  const free = budget - smallest.reduce((sum, size) => sum + size, 0);
  if (free < 0) return undefined;
  const extras = things.map((choices, i) => choices.map(({ size }) => size - (smallest[i] as number)));
  const most = extras.reduce((sum, sizes) => sum + Math.max(...sizes), 0);
  const divisor = extras.flat().reduce(commonDivisor, 0) || 1;
  const reach = Math.min(free, most);
  const step = divisor * Math.max(1, Math.ceil(reach / divisor / mostCells));
  const cells = Math.floor(reach / step) + 1;
  let costs = new Float64Array(cells);
  const taken = things.map((choices, i) => {
    const steps = (extras[i] as number[]).map((size) => Math.ceil(size / step));
    const next = new Float64Array(cells).fill(Number.POSITIVE_INFINITY);
    const places = new Uint16Array(cells);
    choices.forEach(({ cost }, place) => {
      for (let cell = steps[place] as number; cell < cells; cell++) {
        const sum = (costs[cell - (steps[place] as number)] as number) + cost;
        if (sum >= (next[cell] as number)) continue;
        next[cell] = sum;
        places[cell] = place;
      }
    });
    costs = next;
    return { steps, places };
  });
  let cell = cells - 1;
  return taken
    .toReversed()
    .map(({ steps, places }) => {
      const place = places[cell] as number;
      cell -= steps[place] as number;
      return place;
    })
    .reverse();
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
