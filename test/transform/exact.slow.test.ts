import { describe, expect, it } from 'vitest';
import { compared, foldedNorms } from '../../bench/transforms/compare.ts';
import { type KindName, kindNames } from '../../bench/transforms/kinds.ts';
import { hasSharedModels } from '../models/sharedSamples.ts';

const scalings = ['smoothquant', 'outlier-suppression', 'awq', 'repquant'] as const;
const streams = ['rotate-residual', 'rotate-residual, blocks of 32', 'rotate-residual, KLT'] as const;

/** Groups that scale: behind layers alone equalization finds its own. */
interface Places {
  readonly scaled: number;
  readonly equalized?: number;
  readonly absorbed?: number;
  readonly ordered?: number;
  readonly streams?: number;
  readonly heads?: number;
  readonly scores?: number;
  readonly inputs?: number;
}

const placesOf = (found: Places): Partial<Record<KindName, number>> => ({
  ...Object.fromEntries(scalings.map((name) => [name, found.scaled])),
  'equalize-layers': found.equalized ?? 0,
  'absorb-biases': found.absorbed ?? 0,
  'reorder-channels': found.ordered ?? 0,
  ...Object.fromEntries(streams.map((name) => [name, found.streams ?? 0])),
  'rotate-heads': found.heads ?? 0,
  'rotate-scores': found.scores ?? 0,
  'rotate-inputs': found.inputs ?? 0,
});

/**
 * From the architectures in ../shared/models/README.md and README-trained.md. Scaled: what is behind a normalization (two in
 * a decoder block, the last one before the head) or, through a relu, a pool or a product, behind a layer; equalized: the
 * latter. Absorbed: what a relu lets through where the layer behind it reads no zeros around, and where it never is zero.
 * Ordered: residual streams, and what functions of single elements make of a layer's result. Rotated: a residual stream a
 * decoder or image model; values of each attention, scores of each with positions that turn; the last layer of each block. A
 * post-norm encoder has no stream but its embedding, and all its layers read what other layers made; with a cache, values
 * are results of the model. Networks whose activations are no relus have no place but where no activation stands.
 */
const models: Readonly<Record<string, Places>> = {
  ad01_fp32: { scaled: 9, equalized: 9, absorbed: 9, ordered: 9, inputs: 10 },
  mnist_resnet_f: { scaled: 1, equalized: 1, inputs: 1 },
  resnet8_cifar10: { scaled: 3, equalized: 3, inputs: 1 },
  'mbnet128_0.25_f': { scaled: 0 },
  vww_96_float: { scaled: 26, equalized: 26, absorbed: 3, inputs: 1 },
  silero_vad_16k_op15: { scaled: 3, equalized: 3 },
  blazeface_front_128: { scaled: 16, equalized: 16 },
  ultraface_RFB_320: { scaled: 39, equalized: 39, absorbed: 9 },
  vit_mnist: { scaled: 12, ordered: 7, streams: 1, heads: 6, inputs: 6 },
  mamba_char_step: { scaled: 5, ordered: 1, streams: 1, inputs: 12 },
  stories260K: { scaled: 16, equalized: 5, ordered: 6, streams: 1, heads: 5, scores: 5, inputs: 5 },
  stories260K_kv: { scaled: 16, equalized: 5, ordered: 6, streams: 1, scores: 5, inputs: 5 * 2 },
  llama_char: { scaled: 19, equalized: 6, ordered: 7, streams: 1, heads: 6, scores: 6, inputs: 6 },
  llama_char_outlier: { scaled: 19, equalized: 6, ordered: 7, streams: 1, heads: 6, scores: 6, inputs: 6 },
  llama_char_kv: { scaled: 19, equalized: 6, ordered: 7, streams: 1, scores: 6, inputs: 6 * 2 },
  ddpm_mnist: { scaled: 0, ordered: 2, heads: 2, inputs: 5 },
  rxnmapper_albert: { scaled: 26, ordered: 14, streams: 1, heads: 12, inputs: 12 * 3 + 2 },
  yolox_nano_416: { scaled: 0 },
};

/** In a quick run. */
const small = /^(ad01_fp32|mnist_resnet_f|resnet8_cifar10|vit_mnist|mamba_char_step|stories260K)$/;

describe.skipIf(!hasSharedModels)('every transform at all its places in real models', { timeout: 600_000 }, () => {
  const all = Object.entries(models).flatMap(([model, found]) => {
    const places = placesOf(found);
    return kindNames.map((kind) => [model, kind, places[kind] as number] as const);
  });
  const sampled = all.filter(([model, kind, count]) => small.test(model) && (count > 0 || kind === 'rotate-heads'));
  it.each(process.env.QC_FULL ? all : sampled)('%s, %s: %i places', async (model, kind, count) => {
    const { places, exact, f32 } = await compared(model, kind);
    expect(places).toBe(count);
    expect(exact).toBeLessThan(1e-9);
    expect(f32).toBeLessThan(1e-4);
  });

  // gains of two norms a block and of the last one; in the image model with offsets of 13 norms, and biases of 6·4 layers
  it.each([
    ['stories260K', 11],
    ['vit_mnist', 2 * 13 + 6 * 4],
  ])('%s: gains, offsets and biases join layers, %i of them', async (model, count) => {
    const { places, exact } = await foldedNorms(model);
    expect(places).toBe(count);
    expect(exact).toBeLessThan(1e-9);
  });
});
