import { matmul } from '../../../dialects/nn/matmul.ts';
import type { Op } from '../../../src/ir/index.ts';
import type { LayerScheme } from '../../../src/scheme/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { type InputRows, type RoundedResults, roundedResults } from '../layerError.ts';
import type { RotationSite } from '../structure/rotationSites.ts';
import type { ConstantEdits } from './constantEdits.ts';

/** Matrix products of a site: those that read its values, and those that write them. */
export interface SiteLayers {
  readonly readers: readonly Op[];
  readonly writers: readonly Op[];
}

export function layersOf({ channels }: RotationSite): SiteLayers {
  const readers = channels.readers.map(({ op }) => op);
  const writers = channels.writers.filter(({ op, index }) => index === 1 && matmul.is(op)).map(({ op }) => op);
  return { readers, writers };
}

/**
 * What rounding the layers of a site does to what is behind it. Of a layer that reads: its error over the power of its
 * result. Of a layer that writes, through the layers that read: Σ eᵀ·G·e over its rows' errors e in blocks of channels,
 * G = Σ W·Wᵀ over the weights of the layers that read, each over the power of its result. An error in a channel that
 * nothing reads much does no harm, however large. Normalizations between divide e by the length of rows.
 * @param inputOf rows of what a layer or normalization reads
 */
export function siteError(
  site: RotationSite,
  edits: ConstantEdits,
  inputOf: (layer: Op) => InputRows,
  schemeOf: (layer: Op) => LayerScheme,
): number {
  const { readers, writers } = layersOf(site);
  const { block, norms } = site.channels;
  const shrinking =
    norms.length > 0 ? norms.reduce((sum, norm) => sum + 1 / meanSquare(inputOf(norm)), 0) / norms.length : 1;
  const gain = new Float64Array(block * block);
  let error = 0;
  for (const layer of readers) {
    const weights = edits.numbers(layer, 1);
    const results = roundedResults(inputOf(layer), weights, schemeOf(layer));
    const power = results.exact.reduce((sum, y) => sum + y * y, 0);
    if (power === 0) continue;
    error += errors(results).reduce((sum, e) => sum + e * e, 0) / power;
    addGain(gain, weights, block, inputOf(layer).count / power);
  }
  for (const layer of writers) {
    const input = inputOf(layer);
    const results = roundedResults(input, edits.numbers(layer, 1), schemeOf(layer));
    error += (shrinking * throughGain(errors(results), gain, block)) / input.count;
  }
  return error;
}

/** Of rows of a normalization's input, as it is: a mean that it takes away counts too. */
const meanSquare = ({ rows }: InputRows): number =>
  Math.max(rows.reduce((sum, x) => sum + x * x, 0) / rows.length, Number.MIN_VALUE);

const errors = ({ exact, rounded }: RoundedResults): Float64Array => rounded.map((y, i) => y - (exact[i] as number));

/** G += factor · W·Wᵀ over the blocks of W's rows, on average. */
function addGain(gain: Float64Array, { data, shape }: HostTensor, block: number, factor: number): void {
  const [inputs, outputs] = shape as [number, number];
  const blocks = inputs / block;
  const w = data as Float64Array;
  for (let b = 0; b < blocks; b++) {
    for (let i = 0; i < block; i++) {
      for (let j = 0; j <= i; j++) {
        const [p, q] = [(b * block + i) * outputs, (b * block + j) * outputs];
        let dot = 0;
        for (let n = 0; n < outputs; n++) dot += (w[p + n] as number) * (w[q + n] as number);
        const more = (dot * factor) / blocks;
        gain[i * block + j] = (gain[i * block + j] as number) + more;
        if (i !== j) gain[j * block + i] = (gain[j * block + i] as number) + more;
      }
    }
  }
}

/** Σ eᵀ·G·e over blocks of neighbours. */
function throughGain(e: Float64Array, gain: Float64Array, block: number): number {
  let sum = 0;
  for (let from = 0; from < e.length; from += block) {
    for (let i = 0; i < block; i++) {
      const x = e[from + i] as number;
      if (x === 0) continue;
      let row = 0;
      for (let j = 0; j < block; j++) row += (gain[i * block + j] as number) * (e[from + j] as number);
      sum += x * row;
    }
  }
  return sum;
}
