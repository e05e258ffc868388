import { type KernelBuilder, lanesOf } from '../../dialects/kernel/index.ts';
import { type Dim, modDim, type ScalarType, subDim, type Value } from '../../src/ir/index.ts';

/**
 * Joins `value` over a row of `length` elements: whole vectors of `wide` lanes first, then the halves of the lanes
 * until one is left, then what the vectors left over. Always in this order, so that a target gives one answer.
 * @param element type of what is joined
 */
export function overRow(
  k: KernelBuilder,
  length: Dim,
  wide: number,
  init: number,
  value: (i: Value, lanes: number) => Value,
  join: (a: Value, b: Value) => Value,
  element: ScalarType = 'f32',
): Value {
  const part = (from: Dim, to: Dim, lanes: number, start: Value) =>
    k.for(from, to, lanes, [start], (i, [sum]) => [join(sum as Value, value(i, lanes))])[0] as Value;
  const whole = subDim(length, modDim(length, wide));
  let sum = part(0, whole, wide, k.repeated(init, element, wide));
  for (let width = wide; width > 1; width /= 2) {
    sum = join(k.slice(sum, 0, width / 2), k.slice(sum, width / 2, width / 2));
  }
  return part(whole, length, 1, sum);
}

/**
 * The sums of the lanes of vectors, in vectors of their own: neighbours are added until one lane is left of each.
 * @param vectors 1, 2, 4 or 8 of equally many lanes
 */
export function sumsOfLanes(k: KernelBuilder, vectors: readonly Value[]): readonly Value[] {
  let sums = vectors;
  for (let left = lanesOf(vectors[0] as Value); left > 1; left /= 2) {
    const [first, second] = sums as [Value, Value | undefined];
    if (second) {
      sums = Array.from({ length: sums.length / 2 }, (_, i) =>
        k.addPairs(sums[2 * i] as Value, sums[2 * i + 1] as Value),
      );
      continue;
    }
    const half = lanesOf(first) / 2;
    const [low, high] = [k.slice(first, 0, half), k.slice(first, half, half)];
    sums = [half === 1 ? k.add(low, high) : k.addPairs(low, high)];
  }
  return sums;
}
