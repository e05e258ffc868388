import { definePass } from '../../../src/pass/define.ts';
import type { SampledRows } from '../../calibrate/sampleRows.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import type { LinearGroup } from '../structure/linearGroups.ts';
import type { ChannelMap } from './channelMap.ts';
import { type Candidates, mapGroups, nearestPowerOfTwo } from './chooseMap.ts';

/**
 * Codes with a scale and a zero point a channel, as codes with one for all: x' = (x − z_j)/r_j, z_j the middle of channel j
 * where it can be shifted, r_j its range over the mean range of all channels. Source: Li et al., RepQuant (2024), section
 * 3.2: behind LayerNorm r1 and r2 go into its gain and offset, and into the next layer. Here r_j is the nearest power of
 * two; z·W joins the biases, rounded once to f32.
 */
export const repQuant = definePass({
  name: 'repquant',
  summary: 'Gives all activation channels of a group one range, centred, where that makes the error smaller.',
  phase: 'transform',
  options: { recipe: recipeOption, skip: skipOption },
  preserves: { tolerance: 1e-5 },
  run: (module, { recipe, skip }, context) => mapGroups(module, 'repquant', oneRanges, { recipe, skip }, context),
});

export const oneRanges: Candidates = (group, sampled) => [oneRange(group, sampled)];

function oneRange({ shifts }: LinearGroup, { low, high }: SampledRows): ChannelMap {
  const shift = low.map((l, j) => (shifts === 'always' ? Math.fround((l + (high[j] as number)) / 2) : 0));
  const reach = low.map((l, j) => Math.max((high[j] as number) - (shift[j] as number), (shift[j] as number) - l));
  const mean = reach.reduce((sum, a) => sum + a, 0) / reach.length;
  return { shift, scale: reach.map((a) => (a > 0 ? nearestPowerOfTwo(a / mean) : 1)) };
}
