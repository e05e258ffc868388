import { attr } from '../../../src/ir/index.ts';
import { elementary } from '../../../src/numerics/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import type { SampledRows } from '../../calibrate/sampleRows.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import { readRanges } from '../structure/channelLayer.ts';
import type { LinearGroup } from '../structure/linearGroups.ts';
import type { ChannelMap } from './channelMap.ts';
import { type Candidates, mapGroups, nearestPowerOfTwo } from './chooseMap.ts';

/**
 * s_j = max|X_j|^α / max|W_j|^(1−α), both maxima at least 1e-5, W over all layers of a group; activations over s, weights
 * times s. Source: Xiao et al., SmoothQuant (2022), equation 4. Here s_j is the nearest power of two, so that the model
 * computes the same function to the last bit; α is the one of those given with the smallest error of the group's results.
 */
export const smoothQuant = definePass({
  name: 'smoothquant',
  summary: 'Moves the spread of activation channels into weights by powers of two, where that makes the error smaller.',
  phase: 'transform',
  options: { alpha: attr.floats([0.5, 0.65, 0.8]), recipe: recipeOption, skip: skipOption },
  preserves: 'bits',
  run: (module, { alpha, recipe, skip }, context) =>
    mapGroups(module, 'smoothquant', smoothings(alpha), { recipe, skip }, context),
});

const least = 1e-5;

/** One map for each α. */
export const smoothings =
  (alpha: readonly number[]): Candidates =>
  (group, sampled) =>
    alpha.map((a) => smoothing(group, sampled, a));

function smoothing({ layers, channels }: LinearGroup, { low, high }: SampledRows, alpha: number): ChannelMap {
  const weights = readRanges(layers, channels);
  const scale = weights.map((w, j) => {
    const x = Math.max(-(low[j] as number), high[j] as number, least);
    return nearestPowerOfTwo(elementary.pow(x, alpha) / elementary.pow(Math.max(w, least), 1 - alpha));
  });
  return { scale, shift: new Float64Array(channels) };
}
