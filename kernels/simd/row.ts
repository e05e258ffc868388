import type { KernelBuilder } from '../../dialects/kernel/index.ts';
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
