import { conv } from '../../../dialects/nn/conv.ts';
import type { Op } from '../../../src/ir/index.ts';
import { type ActivationScheme, isFloatLayer, type LayerScheme, type WeightScheme } from '../../../src/scheme/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { weightAxis } from '../../channels.ts';
import { type LayerPart, weightMatrices } from '../../quantize/layerWindows.ts';
import { storeWeights } from '../../quantize/mixedWidths.ts';
import { roundActivations } from '../../quantize/roundActivations.ts';
import { product } from '../layerError.ts';
import { channelAt, inputAxis, weightsOf } from '../structure/channelLayer.ts';
import { type ChannelMap, scaledRows, shiftedBias } from './channelMap.ts';

/** A layer of a group, how it will be stored, and what it gives in float for some rows, without its bias. */
interface Judged {
  readonly layer: Op;
  readonly scheme: LayerScheme;
  readonly parts: readonly LayerPart[];
  readonly exact: readonly Float64Array[];
}

/**
 * How far rounding moves the results of a group's layers, for any channel map before them:
 * E = Σ ‖Q(X')·Q(W') + z·W − X·W‖² over the layers, X' = (X − z)/s, W' = s∘W, Q as the layer's scheme rounds. A
 * convolution is a product of windows of its input.
 */
export class RoundedError {
  readonly #judged: readonly Judged[];

  /** @param partsOf what a layer multiplies on calibration rows; layers of the same input may have the same rows */
  constructor(
    layers: readonly Op[],
    schemeOf: (layer: Op) => LayerScheme,
    partsOf: (layer: Op) => readonly LayerPart[],
  ) {
    this.#judged = layers
      .map((layer) => ({ layer, scheme: schemeOf(layer) }))
      .filter(({ layer, scheme }) => isRounded(layer, scheme))
      .map(({ layer, scheme }) => {
        const parts = partsOf(layer);
        return {
          layer,
          scheme,
          parts,
          exact: parts.map((part) => times(part, part.rows.rows, part.weights.data as Float32Array)),
        };
      });
  }

  /** Whether any of the layers is rounded at all. */
  get isRounded(): boolean {
    return this.#judged.length > 0;
  }

  of(map: ChannelMap): number {
    const inputs = new RoundedInputs(map);
    let error = 0;
    for (const { layer, scheme, parts, exact } of this.#judged) {
      const rounded = inputs.of(layer, parts, scheme.activations);
      const weights = storedMatrices(layer, scheme.weights, map);
      const offset = shiftedBias(layer, map.shift);
      let first = 0;
      for (const [i, part] of parts.entries()) {
        const outputs = part.weights.shape[1] as number;
        const results = times(part, rounded[i] as Float32Array, weights[i] as ArrayLike<number>);
        error += distance(results, exact[i] as Float64Array, offset.subarray(first, first + outputs));
        first += outputs;
      }
    }
    return error;
  }
}

/** Convolutions stay float where their activations have no calibrated range. */
const isRounded = (layer: Op, scheme: LayerScheme): boolean =>
  !isFloatLayer(scheme) && (!conv.is(layer) || scheme.activations?.granularity === 'tensor');

const times = ({ rows, weights }: LayerPart, data: Float32Array, numbers: ArrayLike<number>): Float64Array =>
  product(data, numbers, rows.count, weights.shape as [number, number]);

function distance(results: Float64Array, exact: Float64Array, offset: Float64Array): number {
  return results.reduce(
    (sum, y, i) => sum + (y + (offset[i % offset.length] as number) - (exact[i] as number)) ** 2,
    0,
  );
}

/** What layers read behind a map, rounded; the same rows once for each way of rounding. */
class RoundedInputs {
  readonly #map: ChannelMap;
  readonly #known = new Map<Float32Array, Map<ActivationScheme | undefined, readonly Float32Array[]>>();

  constructor(map: ChannelMap) {
    this.#map = map;
  }

  of(layer: Op, parts: readonly LayerPart[], scheme: ActivationScheme | undefined): readonly Float32Array[] {
    const [first] = parts as readonly [LayerPart];
    const known = this.#known.get(first.rows.rows) ?? new Map<ActivationScheme | undefined, readonly Float32Array[]>();
    this.#known.set(first.rows.rows, known);
    const found = known.get(scheme) ?? this.#round(layer, parts, scheme);
    known.set(scheme, found);
    return found;
  }

  /** All parts of a layer have one range. */
  #round(layer: Op, parts: readonly LayerPart[], scheme: ActivationScheme | undefined): readonly Float32Array[] {
    const { scale, shift } = this.#map;
    const channels = inputChannels(layer, parts);
    const mapped = parts.map(({ rows: { rows } }, i) => {
      const of = channels[i] as readonly number[];
      return rows.map((x, at) => {
        const c = of[at % of.length] as number;
        return (x - (shift[c] as number)) / (scale[c] as number);
      });
    });
    if (!scheme) return mapped;
    const depth = (channels[0] as readonly number[]).length;
    if (mapped.length === 1) return [roundActivations(mapped[0] as Float32Array, depth, scheme)];
    const all = roundActivations(joined(mapped), depth, scheme);
    let from = 0;
    return mapped.map(({ length }) => {
      from += length;
      return all.subarray(from - length, from);
    });
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  for (const part of parts) {
    all.set(part, from);
    from += part.length;
  }
  return all;
}

/** For each part of a layer the channels of its rows' elements. */
function inputChannels(layer: Op, parts: readonly LayerPart[]): readonly (readonly number[])[] {
  const weights = weightsOf(layer);
  const [input, output] = [inputAxis(layer), weightAxis(layer)];
  const channelOf = channelAt(weights, input);
  return parts.map(({ weights: { shape } }, part) => {
    const [depth, outputs] = shape as [number, number];
    // [K, N] of a matrix; [N, K] of a convolution, whose groups follow one another
    const place = (k: number) => (output === 0 ? part * outputs * depth + k : k * outputs);
    return Array.from({ length: depth }, (_, k) => channelOf(place(k)));
  });
}

/** A layer's weights behind a map, as they are stored, one matrix for each of its parts. */
function storedMatrices(layer: Op, scheme: WeightScheme | undefined, { scale }: ChannelMap): ArrayLike<number>[] {
  const { shape } = weightsOf(layer);
  const scaled: HostTensor = { dtype: 'f32', shape, data: Float32Array.from(scaledRows(layer, scale)) };
  return weightMatrices(layer, scaled).map((matrix) =>
    scheme ? storeWeights(matrix, scheme).numbers : matrix.data,
  ) as ArrayLike<number>[];
}
