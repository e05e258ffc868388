import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';

/** Where each element of a window lies, in elements of [N, C, spatial…] from its first; the last axis runs fastest. */
export function tapOffsets(
  kernel: readonly number[],
  dilations: readonly number[],
  steps: readonly number[],
): number[] {
  return kernel.reduce<number[]>(
    (offsets, extent, axis) =>
      offsets.flatMap((offset) =>
        Array.from(
          { length: extent },
          (_, i) => offset + i * (dilations[axis] as number) * (steps[axis + 2] as number),
        ),
      ),
    [0],
  );
}

/** An output [N, C, spatial…], and how windows over the operand walk with it. */
export interface Windows {
  readonly out: readonly number[];
  readonly strides: readonly number[];
  /** The operand's steps, by logical axis. */
  readonly steps: readonly number[];
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
    const step = (steps[axis] as number) * (depth === 0 ? 1 : (strides[depth - 1] as number));
    const rows = out.slice(depth + 2).reduce((n, d) => n * d, 1);
    k.loop(0, out[axis] as number, 1, (i) =>
      loop(depth + 1, k.add(at, k.scaled(i, step)), k.add(row, k.scaled(i, rows))),
    );
  };
  loop(0, k.index(0), k.index(0));
}
