import { attr } from '../../../src/ir/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import type { SampledRows } from '../../calibrate/sampleRows.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import type { LinearGroup } from '../structure/linearGroups.ts';
import type { ChannelMap } from './channelMap.ts';
import { type Candidates, mapGroups, nearestPowerOfTwo } from './chooseMap.ts';

/**
 * z_j = (max_j + min_j)/2 where the channels of a group can be shifted; s_j = max(1, a_j/t), a_j the largest magnitude of
 * what is left, for thresholds t from the largest a_j down; the t with the smallest error of the group's results is taken.
 * Source: Wei et al., Outlier Suppression+ (2023), section 4. Here s_j is the nearest power of two, so finer steps of t than
 * those of half an octave give the same scales; z·W joins the biases, rounded once to f32.
 */
export const outlierSuppression = definePass({
  name: 'outlier-suppression',
  summary: 'Centres activation channels and shrinks those beyond a threshold, where that makes the error smaller.',
  phase: 'transform',
  options: { octaves: attr.float(6), recipe: recipeOption, skip: skipOption },
  preserves: { tolerance: 1e-5 },
  run: (module, { octaves, recipe, skip }, context) =>
    mapGroups(module, 'outlier-suppression', suppressions(octaves), { recipe, skip }, context),
});

/** One map for each threshold. */
export const suppressions =
  (octaves: number): Candidates =>
  (group, sampled) =>
    maps(group, sampled, octaves);

function maps({ shifts }: LinearGroup, { low, high }: SampledRows, octaves: number): ChannelMap[] {
  const shift = low.map((l, j) => (shifts === 'always' ? Math.fround((l + (high[j] as number)) / 2) : 0));
  const left = low.map((l, j) => Math.max((high[j] as number) - (shift[j] as number), (shift[j] as number) - l));
  const most = left.reduce((a, b) => Math.max(a, b), 0);
  return Array.from({ length: 2 * octaves + 1 }, (_, i) => {
    const threshold = (most / 2 ** Math.floor(i / 2)) * (i % 2 === 0 ? 1 : Math.SQRT1_2);
    return { shift, scale: left.map((a) => Math.max(1, threshold > 0 ? nearestPowerOfTwo(a / threshold) : 1)) };
  });
}
