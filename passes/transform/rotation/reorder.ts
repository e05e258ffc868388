import { attr, type Module } from '../../../src/ir/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { recipeOption } from '../../quantize/layerSchemes.ts';
import type { InputRows } from '../layerError.ts';
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
  activations: (channels, rows) => permutation(byMagnitude(channels, activationRanges(channels, rows))),
  weights: (channels, _, weights) => permutation(byMagnitude(channels, rowRanges(channels, weights))),
};

/** Channels, the largest first; of equals the first one first. */
function byMagnitude(channels: number, most: Float64Array): number[] {
  const order = Array.from({ length: channels }, (_, i) => i);
  return order.sort((a, b) => (most[b] as number) - (most[a] as number) || a - b);
}

function activationRanges(channels: number, inputs: readonly InputRows[]): Float64Array {
  const most = new Float64Array(channels);
  for (const { rows } of inputs) {
    rows.forEach((x, i) => {
      most[i % channels] = Math.max(most[i % channels] as number, Math.abs(x));
    });
  }
  return most;
}

function rowRanges(channels: number, weights: readonly HostTensor[]): Float64Array {
  const most = new Float64Array(channels);
  for (const { data, shape } of weights) {
    const outputs = shape[1] as number;
    for (let i = 0; i < data.length; i++) {
      const k = Math.floor(i / outputs);
      most[k] = Math.max(most[k] as number, Math.abs(data[i] as number));
    }
  }
  return most;
}
