import { definePass } from '../../../src/pass/define.ts';
import type { SampledRows } from '../../calibrate/sampleRows.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import type { LinearGroup } from '../structure/linearGroups.ts';
import type { ChannelMap } from './channelMap.ts';
import { mapGroups } from './chooseMap.ts';

/**
 * relu(h) − c_j == relu(h − c_j) where h ≥ c_j: what a channel always has leaves the bias before the relu, and c·W joins the
 * bias behind it. c_j = max(0, mean − 3·deviation) over calibration rows, and a little less than the least that they hold:
 * the model is the same where a channel stays above c_j, which is all of the calibration data and nearly all else. Source:
 * Nagel et al., Data-Free Quantization (2019), section 4.1.3, which takes mean and deviation from batch normalization.
 */
export const absorbBiases = definePass({
  name: 'absorb-biases',
  summary: 'Takes from channels behind a relu what they always have, where that makes the error smaller.',
  phase: 'transform',
  options: { recipe: recipeOption, skip: skipOption },
  preserves: { tolerance: 1e-5 },
  run: (module, { recipe, skip }, context) =>
    mapGroups(module, 'absorb-biases', absorptions, { recipe, skip }, context),
});

export function absorptions({ shifts, channels }: LinearGroup, sampled: SampledRows): ChannelMap[] {
  if (shifts !== 'down') return [];
  const shift = alwaysThere(sampled);
  return shift.some((c) => c > 0) ? [{ shift, scale: new Float64Array(channels).fill(1) }] : [];
}

/** The part of the least value that is always there in any arithmetic. */
const sure = 1 - 2 ** -7;

function alwaysThere({ rows, channels, count, low }: SampledRows): Float64Array {
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  rows.forEach((x, i) => {
    const j = i % channels;
    sums[j] = (sums[j] as number) + x;
    squares[j] = (squares[j] as number) + x * x;
  });
  return low.map((least, j) => {
    const mean = (sums[j] as number) / count;
    const deviation = Math.sqrt(Math.max(0, (squares[j] as number) / count - mean * mean));
    return Math.fround(Math.max(0, Math.min(sure * least, mean - 3 * deviation)));
  });
}
