import { definePass } from '../../../src/pass/define.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import { readRanges, writtenRanges } from '../structure/channelLayer.ts';
import type { LinearGroup } from '../structure/linearGroups.ts';
import type { ChannelMap } from './channelMap.ts';
import { mapGroups, nearestPowerOfTwo } from './chooseMap.ts';

/**
 * s_j = √(r1_j/r2_j) between a layer and the layers behind it, r1_j the largest weight of its column j, r2_j that of their
 * rows j: both then have the range √(r1_j·r2_j). Source: Nagel et al., Data-Free Quantization (2019), section 4.1. Here
 * s_j is the nearest power of two, so that the model computes the same function to the last bit.
 */
export const equalizeLayers = definePass({
  name: 'equalize-layers',
  summary: 'Gives the columns of a layer the range of the rows that read them, where that makes the error smaller.',
  phase: 'transform',
  options: { recipe: recipeOption, skip: skipOption },
  preserves: 'bits',
  run: (module, { recipe, skip }, context) =>
    mapGroups(module, 'equalize-layers', equalizations, { recipe, skip }, context),
});

export function equalizations({ before, layers, channels }: LinearGroup): ChannelMap[] {
  if (!before) return [];
  const [written, read] = [writtenRanges(before, channels), readRanges(layers, channels)];
  const scale = written.map((r1, j) => {
    const r2 = read[j] as number;
    return r1 > 0 && r2 > 0 ? nearestPowerOfTwo(Math.sqrt(r1 / r2)) : 1;
  });
  return [{ shift: new Float64Array(channels), scale }];
}
