import type { StoredWeights } from '../../src/ir/index.ts';
import { formats } from '../../src/numerics/index.ts';
import type { WholeLevels } from './codeLevels.ts';

type ScaleSteps = formats.ScaleSteps;

/**
 * The scales of every output as whole multiples of one number; undefined where an output's are none, or its sums over
 * all groups, of activations of 8 bits, need more than 32 bits.
 */
export function stepsOf(stored: StoredWeights, whole: WholeLevels, outputs: number): readonly ScaleSteps[] | undefined {
  const { bits, group, groups, scale } = stored;
  if (groups === 1) return undefined;
  const all: ScaleSteps[] = [];
  // of codes and levels as they are stored, which are not negative, and of a zero point among them
  const largest = stored.levels ? Math.max(...whole.numbers) : 2 ** bits - 1;
  for (let n = 0; n < outputs; n++) {
    const found = formats.commonSteps(Array.from({ length: groups }, (_, g) => scale(g, n)));
    if (!found || found.steps.reduce((sum, m) => sum + m, 0) * group * largest * 128 >= 2 ** 31) return undefined;
    all.push(found);
  }
  return all;
}

/** What the sums of each output are multiplied by at the end, of `count` outputs with padding. */
export function unitsOf(steps: readonly ScaleSteps[], factor: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, n) => (steps[n]?.unit ?? 0) / factor);
}
