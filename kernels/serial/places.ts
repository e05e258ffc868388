import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, productOf, subDim, type Value } from '../../src/ir/index.ts';

/**
 * What was loaded as an index along an axis of `size` elements, counted from the front: negative ones count from the
 * end. One that leaves the axis becomes the nearest that does not, so that no kernel touches what is not its own.
 */
export function placeOf(k: KernelBuilder, loaded: Value, size: Dim): Value {
  const raw = k.convert(loaded, 'index');
  const fromFront = k.select(k.cmp('lt', raw, k.index(0)), k.add(raw, k.index(size)), raw);
  return k.max(k.min(fromFront, k.index(subDim(size, 1))), k.index(0));
}

/** Steps of a row-major tensor, in elements. */
export function rowMajor<D extends Dim>(shape: readonly D[]): D[] {
  return shape.map((_, axis) => count(shape.slice(axis + 1)));
}

/** The number of elements of a shape. */
export function count<D extends Dim>(shape: readonly D[]): D {
  return productOf(shape) as D;
}

/** The axis that an attribute names, counted from the front; `otherwise` where it names none. */
export function frontAxis(axis: unknown, rank: number, otherwise = 0): number {
  const given = (axis as number | undefined) ?? otherwise;
  return given < 0 ? given + rank : given;
}
