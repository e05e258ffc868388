import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { sameArray } from './elements.ts';

/** Row-major steps of a shape, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (shape[axis + 1] as number);
  }
  return strides;
}

/**
 * Reads a tensor as another shape: element [i…] of the result is at offset + Σ i·stride of the operand's data.
 * Every such index must lie inside the operand.
 */
export function readStrided(
  x: HostTensor,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): HostTensor {
  const count = elementCount(shape);
  const data = sameArray(x, count);
  if (count > 0) copyStrided(x.data as Float64Array, data as Float64Array, shape, strides, offset);
  return { dtype: x.dtype, shape, data };
}

function copyStrided(
  from: Float64Array,
  to: Float64Array,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): void {
  const rank = shape.length;
  const inner = rank > 0 ? (shape[rank - 1] as number) : 1;
  const step = rank > 0 ? (strides[rank - 1] as number) : 0;
  forEachRow(shape, strides, offset, (row, at) => {
    for (let i = 0, k = at; i < inner; i++, k += step) to[row + i] = from[k] as number;
  });
}

/** Visits every innermost row: `row` is its first row-major index in `shape`, `at` its strided offset. */
export function forEachRow(
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  visit: (row: number, at: number) => void,
): void {
  const outer = shape.slice(0, -1);
  const inner = shape.at(-1) ?? 1;
  const rows = elementCount(outer);
  const index = new Array<number>(outer.length).fill(0);
  let at = offset;
  for (let row = 0; row < rows; row++) {
    visit(row * inner, at);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      at += stride;
      if (++(index[axis] as number) < (outer[axis] as number)) break;
      at -= stride * (outer[axis] as number);
      index[axis] = 0;
    }
  }
}

/** The tensor with another shape of as many elements, without a copy. */
export function reshaped(x: HostTensor, shape: readonly number[]): HostTensor {
  return { dtype: x.dtype, shape, data: x.data as TypedArray };
}
