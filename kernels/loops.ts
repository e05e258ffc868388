import type { KernelBuilder } from '../dialects/kernel/index.ts';
import { type Dim, modDim, mulDim, subDim, type Value } from '../src/ir/index.ts';

/** How one buffer is walked: the step, in elements, for each axis of a loop nest, and where it begins. */
export interface Access {
  readonly strides: readonly Dim[];
  readonly offset: Dim;
  /** Added to every index, where it is only known when the kernel runs. */
  readonly base?: Value;
}

/** A loop nest: its extents, and the steps of each access along them. */
export interface Nest {
  readonly extents: Dim[];
  readonly strides: Dim[][];
}

/** Drops axes of one step and joins neighbours that every access walks as one. */
export function collapse(extents: readonly Dim[], accesses: readonly Access[]): Nest {
  const nest: Nest = { extents: [], strides: accesses.map(() => []) };
  extents.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = nest.extents.length - 1;
    const joins =
      last >= 0 &&
      accesses.every((a, i) => (nest.strides[i] as Dim[])[last] === mulDim(a.strides[axis] as Dim, extent));
    if (joins) {
      nest.extents[last] = mulDim(nest.extents[last] as Dim, extent);
      for (const [i, a] of accesses.entries()) (nest.strides[i] as Dim[])[last] = a.strides[axis] as Dim;
    } else {
      nest.extents.push(extent);
      for (const [i, a] of accesses.entries()) (nest.strides[i] as Dim[]).push(a.strides[axis] as Dim);
    }
  });
  return nest;
}

/** Where each access is at the given indices of a nest. */
export function offsetsIn(
  k: KernelBuilder,
  nest: Nest,
  accesses: readonly Access[],
  indices: readonly Value[],
): Value[] {
  return accesses.map(({ offset, base }, n) => {
    const start = base ? k.add(base, k.index(offset)) : k.index(offset);
    return indices.reduce((at, i, axis) => k.add(at, k.mul(i, k.index(nest.strides[n]?.[axis] ?? 0))), start);
  });
}

/**
 * Visits every index of `extents` (outermost axis first). `body` gets the element index of each access and the
 * number of elements to handle at once: `lanes` where every access steps by 0 or 1 along the innermost axis, else
 * and for tails 1. `contiguous[i]` says whether access i steps by 1 there, or repeats one element. With the kind `each`
 * the order does not matter.
 */
export function loopNest(
  k: KernelBuilder,
  extents: readonly Dim[],
  accesses: readonly Access[],
  lanes: number,
  body: (indices: readonly Value[], lanes: number, contiguous: readonly boolean[]) => void,
  kind: 'loop' | 'each' = 'loop',
): void {
  if (extents.some((extent) => extent === 0)) return;
  const nest = collapse(extents, accesses);
  const depth = nest.extents.length;
  const inner = nest.strides.map((strides) => strides[depth - 1] ?? 0);
  const contiguous = inner.map((stride) => stride === 1);
  const width = inner.every((stride) => stride === 0 || stride === 1) ? lanes : 1;
  const step = (at: readonly Value[], axis: number, i: Value) =>
    at.map((index, n) => k.add(index, k.mul(i, k.index(nest.strides[n]?.[axis] ?? 0))));
  const visit = (axis: number, at: readonly Value[]): void => {
    const extent = nest.extents[axis];
    if (extent === undefined) {
      body(at, 1, contiguous);
    } else if (axis < depth - 1) {
      k[kind](0, extent, 1, (i) => visit(axis + 1, step(at, axis, i)));
    } else {
      // whole vectors, then one of half the width where it still fits, down to four lanes, then single elements
      let from: Dim = 0;
      for (let lanes = width; lanes >= 1; lanes = lanes > 4 ? lanes / 2 : lanes > 1 ? 1 : 0) {
        const to: Dim = subDim(extent, modDim(subDim(extent, from), lanes));
        const by = lanes;
        k[kind](from, to, by, (i) => body(step(at, axis, i), by, contiguous));
        from = to;
      }
    }
  };
  visit(
    0,
    accesses.map(({ offset, base }) => (base ? k.add(base, k.index(offset)) : k.index(offset))),
  );
}

/**
 * Visits `size` elements `lanes` at a time. Where the last vector would reach beyond the end it begins earlier and
 * does some elements again, so `body` must give the same for them; only when there are fewer elements than lanes is
 * it given a part, of `live` lanes. Where the size is not known, fewer elements than lanes are visited one by one.
 */
export function overlapping(
  k: KernelBuilder,
  size: Dim,
  lanes: number,
  body: (begin: Value, live: number) => void,
): void {
  if (typeof size !== 'number') {
    tiled(k, size, lanes, body);
    return;
  }
  if (size < lanes) {
    body(k.index(0), size);
    return;
  }
  k.each(0, size, lanes, (i) => body(size % lanes === 0 ? i : k.min(i, k.index(size - lanes)), lanes));
}

/**
 * Visits a size that is only known when the kernel runs in tiles of `tile` elements: the last one overlaps the one
 * before it rather than being shorter, so that `body` must give the same again. Where there are fewer than a tile has,
 * they are visited one by one.
 */
export function tiled(k: KernelBuilder, size: Dim, tile: number, body: (begin: Value, live: number) => void): void {
  const count = k.index(size);
  const whole = k.select(k.cmp('ge', count, k.index(tile)), count, k.index(0));
  k.each(0, whole, tile, (i) => body(k.min(i, k.index(subDim(size, tile))), tile));
  if (tile > 1) k.each(whole, count, 1, (i) => body(i, 1));
}
