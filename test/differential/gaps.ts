import type { SimtProgram } from '../../backends/clike/simtProgram.ts';
import { elementBytes } from '../../src/support/tensor.ts';

/** The addresses behind a program's inputs and outputs, where nothing may be written. */
export function gapsOf({ inputs, outputs }: SimtProgram): number[] {
  return [...inputs, ...outputs].map(
    ({ address, length, dtype }) => address + Math.ceil((length * elementBytes(dtype)) / 4) * 4,
  );
}
