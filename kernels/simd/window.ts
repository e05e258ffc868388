import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { addDim, type Dim, mulDim, productOf, type Value } from '../../src/ir/index.ts';

/** Where each element of a window lies, in elements of [N, C, spatial…] from its first; the last axis runs fastest. */
export function tapOffsets(kernel: readonly number[], dilations: readonly number[], steps: readonly Dim[]): Dim[] {
  return kernel.reduce<Dim[]>(
    (offsets, extent, axis) =>
      offsets.flatMap((offset) =>
        Array.from({ length: extent }, (_, i) =>
          addDim(offset, mulDim(i * (dilations[axis] as number), steps[axis + 2] as Dim)),
        ),
      ),
    [0],
  );
}

/** Where each element of a window lies, counted along its axes, in the order of `tapOffsets`. */
export function tapPlaces(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (places, extent) => places.flatMap((place) => Array.from({ length: extent }, (_, i) => [...place, i])),
    [[]],
  );
}

/** An output [N, C, spatial…], and how windows over the operand walk with it. */
export interface Windows {
  readonly out: readonly Dim[];
  readonly strides: readonly number[];
  /** The operand's steps, by logical axis. */
  readonly steps: readonly Dim[];
}

/**
 * Loops over the batch and the first `axes` spatial axes: `visit` gets where the windows begin in the operand, and
 * the number of the output pixel.
 */
export function overPixels(
  k: KernelBuilder,
  { out, strides, steps }: Windows,
  axes: number,
  visit: (at: Value, row: Value) => void,
): void {
  const loop = (depth: number, at: Value, row: Value): void => {
    if (depth > axes) {
      visit(at, row);
      return;
    }
    const axis = depth === 0 ? 0 : depth + 1;
    const step = mulDim(steps[axis] as Dim, depth === 0 ? 1 : (strides[depth - 1] as number));
    const rows = productOf(out.slice(depth + 2));
    k.each(0, out[axis] as Dim, 1, (i) => loop(depth + 1, k.add(at, k.scaled(i, step)), k.add(row, k.scaled(i, rows))));
  };
  loop(0, k.index(0), k.index(0));
}
