import { addDim, type Dim, minDim, subDim } from '../../src/ir/index.ts';

/** One axis of a slice: elements start + i·step for i below size. */
export interface SliceRange {
  readonly start: Dim;
  readonly step: number;
  readonly size: Dim;
}

/**
 * The elements that ONNX's start, end and step name on an axis of `size` elements; undefined when that cannot be
 * said of symbols. Numbers are clamped as the specification says; a symbolic bound is taken to lie inside.
 */
export function sliceRange(size: Dim, start: Dim, end: Dim, step: number): SliceRange | undefined {
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') {
    return numericRange(size, start, end, step);
  }
  if (step !== 1) return undefined;
  const from = fromFront(start, size);
  const to = typeof end === 'number' && end >= 0 ? upTo(end, size) : fromFront(end, size);
  return { start: from, step, size: subDim(to, from) };
}

function numericRange(size: number, start: number, end: number, step: number): SliceRange {
  const clamp = (v: number, lo: number, hi: number) => Math.min(Math.max(v < 0 ? v + size : v, lo), hi);
  const [lo, hi] = step > 0 ? [0, size] : [-1, size - 1];
  const from = step > 0 ? clamp(start, lo, hi) : clamp(start, 0, hi);
  const to = clamp(end, lo, hi);
  const count = Math.max(0, Math.ceil((to - from) / step));
  return { start: count === 0 ? 0 : from, step, size: count };
}

/** A bound that may count from the end: a negative number, or an expression with negative coefficients alone. */
function fromFront(bound: Dim, size: Dim): Dim {
  const negative = typeof bound === 'number' ? bound < 0 : bound.terms.every((term) => term.coefficient < 0);
  return negative ? addDim(bound, size) : bound;
}

/** A number that may lie beyond the end. */
function upTo(end: number, size: Dim): Dim {
  return end >= 2 ** 31 - 1 ? size : minDim(end, size);
}
