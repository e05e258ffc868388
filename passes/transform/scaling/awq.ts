import { attr } from '../../../src/ir/index.ts';
import { elementary } from '../../../src/numerics/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import type { SampledRows } from '../../calibrate/sampleRows.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import type { ChannelMap } from './channelMap.ts';
import { type Candidates, mapGroups, nearestPowerOfTwo } from './chooseMap.ts';

/**
 * s_j = mean|X_j|^r, at least 1e-4, over √(max s · min s): weights that meet large activations are rounded more finely;
 * r = 1/steps … (steps − 1)/steps, the one with the smallest error of the group's results is taken. Source: Lin et al.,
 * AWQ (2023), section 3.2 and equation 5. Here s_j is the nearest power of two, so that the model computes the same
 * function to the last bit. The search for a clip is the recipe's `weights.range: "mse"`.
 */
export const awq = definePass({
  name: 'awq',
  summary: 'Scales weights up that meet large activations by powers of two, where that makes the error smaller.',
  phase: 'transform',
  options: { steps: attr.int(20), recipe: recipeOption, skip: skipOption },
  preserves: 'bits',
  run: (module, { steps, recipe, skip }, context) =>
    mapGroups(module, 'awq', saliences(steps), { recipe, skip }, context),
});

/** One map for each r. */
export const saliences =
  (steps: number): Candidates =>
  (_, sampled) =>
    maps(sampled, steps);

function maps({ rows, channels, count }: SampledRows, steps: number): ChannelMap[] {
  const mean = new Float64Array(channels);
  rows.forEach((x, i) => {
    mean[i % channels] = (mean[i % channels] as number) + Math.abs(x) / count;
  });
  return Array.from({ length: steps - 1 }, (_, i) => {
    const powers = mean.map((a) => Math.max(a > 0 ? elementary.pow(a, (i + 1) / steps) : 0, 1e-4));
    const most = powers.reduce((a, b) => Math.max(a, b), 0);
    const least = powers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const middle = Math.sqrt(most * least);
    return { shift: new Float64Array(channels), scale: powers.map((s) => nearestPowerOfTwo(s / middle)) };
  });
}
