import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';

/** Carries values through every place of a nest of loops: their sizes, outermost first. */
export function foldOver(
  k: KernelBuilder,
  sizes: readonly (number | Value)[],
  start: readonly Value[],
  step: (at: readonly Value[], carried: readonly Value[]) => readonly Value[],
): readonly Value[] {
  const visit = (at: readonly Value[], carried: readonly Value[]): readonly Value[] => {
    const size = sizes[at.length];
    return size === undefined ? step(at, carried) : k.for(0, size, 1, carried, (i, inner) => visit([...at, i], inner));
  };
  return visit([], start);
}

/** Runs `body` at every place of a nest of loops. */
export function everywhere(
  k: KernelBuilder,
  sizes: readonly (number | Value)[],
  body: (at: readonly Value[]) => void,
): void {
  foldOver(k, sizes, [], (at) => {
    body(at);
    return [];
  });
}

/** Σ index · step. */
export const dot = (k: KernelBuilder, indices: readonly Value[], steps: readonly number[]): Value =>
  indices.reduce<Value>((sum, index, i) => k.add(sum, k.mul(index, k.index(steps[i] as number))), k.index(0));
