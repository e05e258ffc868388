import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { cornerOf } from '../border.ts';
import type { Contraction } from './contraction.ts';

/** Where the activations of row `m` begin, at the places `at` of the loops around. */
export function inputOf(
  k: KernelBuilder,
  { outer, groupStep, rowStep, border }: Contraction,
  group: Value,
  at: readonly Value[],
  m: Value,
): Value {
  return outer.reduce(
    (sum, loop, i) => k.add(sum, k.scaled(at[i] as Value, loop.input)),
    k.add(k.scaled(group, groupStep), k.scaled(m, rowStep, border?.origin ?? 0)),
  );
}

/** The number of the output row that row `m` is, at the places `at` of the loops around. */
export function rowOf(k: KernelBuilder, { outer }: Contraction, at: readonly Value[], m: Value): Value {
  return outer.reduce((sum, loop, i) => k.add(sum, k.scaled(at[i] as Value, loop.row)), m);
}

/** Where the window of row `m` begins along each axis, at the places `at` of the loops around; undefined without a border. */
export function windowOf(
  k: KernelBuilder,
  { border }: Contraction,
  at: readonly Value[],
  m: Value,
): readonly Value[] | undefined {
  // the first of the loops around is that of the batch
  return border && cornerOf(k, border, [...at.slice(1), m]);
}
