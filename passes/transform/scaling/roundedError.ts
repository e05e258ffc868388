import type { Op } from '../../../src/ir/index.ts';
import { type ActivationScheme, isFloatLayer, type LayerScheme, type WeightScheme } from '../../../src/scheme/index.ts';
import type { SampledRows } from '../../calibrate/sampleRows.ts';
import { roundActivations } from '../../quantize/roundActivations.ts';
import { storeMatrix } from '../../quantize/storedWeights.ts';
import { product } from '../layerError.ts';
import { type ChannelMap, shiftedBias, weightsOf } from './channelMap.ts';

/** A layer of a group, how it will be stored, and what it gives in float for the sampled rows, without its bias. */
interface Judged {
  readonly layer: Op;
  readonly scheme: LayerScheme;
  readonly exact: Float64Array;
}

/**
 * How far rounding moves the results of a group's layers, for any channel map before them:
 * E = Σ ‖Q(X')·Q(W') + z·W − X·W‖² over the layers, X' = (X − z)/s, W' = s∘W, Q as the layer's scheme rounds.
 */
export class RoundedError {
  readonly #sampled: SampledRows;
  readonly #judged: readonly Judged[];

  constructor(sampled: SampledRows, layers: readonly Op[], schemeOf: (layer: Op) => LayerScheme) {
    this.#sampled = sampled;
    this.#judged = layers
      .map((layer) => ({ layer, scheme: schemeOf(layer) }))
      .filter(({ scheme }) => !isFloatLayer(scheme))
      .map(({ layer, scheme }) => {
        const { data, shape } = weightsOf(layer);
        return { layer, scheme, exact: product(sampled.rows, data, sampled.count, shape as [number, number]) };
      });
  }

  /** Whether any of the layers is rounded at all. */
  get isRounded(): boolean {
    return this.#judged.length > 0;
  }

  of(map: ChannelMap): number {
    const { rows, channels, count } = this.#sampled;
    const mapped = rows.map((x, i) => {
      const c = i % channels;
      return (x - (map.shift[c] as number)) / (map.scale[c] as number);
    });
    const roundings = new Map<ActivationScheme | undefined, Float32Array>([[undefined, mapped]]);
    let error = 0;
    for (const { layer, scheme, exact } of this.#judged) {
      const { activations } = scheme;
      const inputs = roundings.get(activations) ?? roundActivations(mapped, channels, activations as ActivationScheme);
      roundings.set(activations, inputs);
      error += distance(exact, inputs, layer, scheme.weights, map, count);
    }
    return error;
  }
}

function distance(
  exact: Float64Array,
  inputs: Float32Array,
  layer: Op,
  scheme: WeightScheme | undefined,
  map: ChannelMap,
  count: number,
): number {
  const weights = weightsOf(layer);
  const [, outputs] = weights.shape as [number, number];
  const scaled = weights.data.map((w, i) => w * (map.scale[Math.floor(i / outputs)] as number));
  const stored = scheme ? storeMatrix({ ...weights, data: scaled }, scheme).numbers : scaled;
  const results = product(inputs, stored, count, weights.shape as [number, number]);
  const offset = shiftedBias(weights, map.shift);
  return results.reduce((sum, y, i) => sum + (y + (offset[i % outputs] as number) - (exact[i] as number)) ** 2, 0);
}
