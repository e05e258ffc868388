import { attr, type Module } from '../../../src/ir/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import { includeMagnitudes } from '../structure/channelLayer.ts';
import { orderedChannels } from '../structure/rotationSites.ts';
import { permutation } from './orthogonal.ts';
import { type MatrixOf, rotateSites } from './rotateSites.ts';

/**
 * f(x·A·P)·(Pᵀ·B) == f(x·A)·B for a permutation P and functions f of single elements: channels are sorted by magnitude, so
 * that neighbours, which share a scale, are of one size; columns of the layers that write and rows of those that read move
 * at compile time. `by`: the largest magnitude of a channel's activations, or of the weights that read it.
 * Source: Yuan et al., RPTQ (2023), where channels are put into clusters of one range.
 */
export const reorderChannels = definePass({
  name: 'reorder-channels',
  summary: 'Sorts channels by magnitude, so that those of one size share a scale, where that makes the error smaller.',
  phase: 'transform',
  options: {
    by: attr.oneOf(['activations', 'weights'], 'activations'),
    always: attr.bool(false),
    recipe: recipeOption,
    skip: skipOption,
  },
  preserves: { tolerance: 1e-5 },
  run: (module: Module, options, context) => {
    const matrixOf = orders[options.by];
    return rotateSites(module, 'reorder-channels', orderedChannels(module.main.body), matrixOf, options, context);
  },
});

export const orders: Readonly<Record<'activations' | 'weights', MatrixOf>> = {
  activations: (channels, inputs) => {
    const read = inputs.map(({ rows, count }) => ({ shape: [count, rows.length / count], data: rows }));
    return permutation(byMagnitude(channels, rangesOf(channels, read, 1)));
  },
  weights: (channels, _, weights) => permutation(byMagnitude(channels, rangesOf(channels, weights, 0))),
};

/** Channels, the largest first; of equals the first one first. */
function byMagnitude(channels: number, most: Float64Array): number[] {
  const order = Array.from({ length: channels }, (_, i) => i);
  return order.sort((a, b) => (most[b] as number) - (most[a] as number) || a - b);
}

/** For each channel the largest magnitude in some tensors, whose channels lie along an axis. */
function rangesOf(
  channels: number,
  tensors: readonly Pick<HostTensor, 'shape' | 'data'>[],
  axis: number,
): Float64Array {
  const most = new Float64Array(channels);
  for (const tensor of tensors) includeMagnitudes(most, tensor, axis);
  return most;
}
