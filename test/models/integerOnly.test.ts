import { describe, expect, it } from 'vitest';
import { instantiateWasm } from '../../backends/wasm/host.ts';
import { type Artifact, compile, type Recipe, type SchemeName } from '../../src/index.ts';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import { floatUse } from '../int/program.ts';
import { decibels } from '../quant/signal.ts';
import {
  dimsOf,
  hasSharedModels,
  modelsFolder,
  type SharedSample,
  sharedModel,
  sharedSamples,
} from './sharedSamples.ts';

/** What int8 may lose against w8a8, in dB; of more than 40 dB the two samples of a model tell nothing. */
const mostLoss = 1.5;
const told = 40;

/** One of each kind; the others run with QC_FULL=1. */
const names = [
  'mnist_resnet_f',
  'resnet8_cifar10',
  'mbnet128_0.25_f',
  'silero_vad_16k_op15',
  'vit_mnist',
  'mamba_char_step',
];
const others = [
  ...['rxnmapper_albert', 'ad01_fp32', 'vww_96_float', 'stories260K', 'stories260K_kv', 'llama_char', 'llama_char_kv'],
  ...['llama_char_outlier', 'ddpm_mnist', 'ultraface_RFB_320', 'blazeface_front_128', 'yolox_nano_416'],
];

/** Under w4a8, where activations have ranges of their own in every row, 19.9 dB are left. */
const leftByGroups = 18;

const inGroups: Recipe = {
  scheme: 'int8',
  weights: { storage: 'i4', granularity: 'group', group: 32, scale: 'integer' },
};

const symbolsOf = (name: string) => (name.startsWith('silero') ? { sequence: 576 } : {});

async function program(
  name: string,
  scheme: SchemeName | Recipe,
  border: 'float' | 'int' = 'float',
): Promise<Artifact> {
  const samples = sharedSamples(name);
  const module = sharedModel(name, symbolsOf(name));
  const dims = dimsOf(module, samples[0] as SharedSample);
  const calibration = samples.map(({ inputs }) => inputs);
  return compile(module, { target: 'wasm', scheme, border, dims, calibration });
}

async function ratioTo(name: string, { files }: Artifact): Promise<number> {
  const model = await instantiateWasm(files);
  const pairs = sharedSamples(name).flatMap(({ inputs, outputs }) => {
    const given = Object.entries(inputs).map(([input, { data }]): [string, TypedArray] => [input, data]);
    const answers = model.run(Object.fromEntries(given));
    return Object.entries(outputs).map(([output, tensor]): [HostTensor, HostTensor] => [
      tensor,
      { ...tensor, data: (answers[output] as TypedArray).slice() },
    ]);
  });
  return decibels(pairs);
}

const wasmOf = ({ files }: Artifact) =>
  [...files].find(([path]) => path.endsWith('.wasm'))?.[1] as Uint8Array<ArrayBuffer>;

describe.skipIf(!hasSharedModels)(`shared models in integers alone (needs ${modelsFolder})`, () => {
  it.each(process.env.QC_FULL ? [...names, ...others] : names)('%s', async (name) => {
    const whole = await program(name, 'int8');
    const use = floatUse(wasmOf(whole));
    expect(use.inside).toEqual([]);
    expect([...use.border].sort()).toEqual([...whole.manifest.floatOps.functions].sort());
    const [ratio, reference] = [await ratioTo(name, whole), await ratioTo(name, await program(name, 'w8a8'))];
    console.log(`${name}: int8 ${ratio.toFixed(1)} dB, w8a8 ${reference.toFixed(1)} dB`);
    expect(ratio).toBeGreaterThanOrEqual(Math.min(reference, told) - mostLoss);
  });

  it('vit_mnist, 4-bit weights in groups of 32', async () => {
    const whole = await program('vit_mnist', inGroups);
    expect(floatUse(wasmOf(whole)).inside).toEqual([]);
    const products = whole.manifest.launches.filter(({ op }) => op === 'int.step_matmul');
    expect(products.length).toBeGreaterThan(0);
    const ratio = await ratioTo('vit_mnist', whole);
    console.log(`vit_mnist: int8 with 4-bit weights in groups ${ratio.toFixed(1)} dB`);
    expect(ratio).toBeGreaterThanOrEqual(leftByGroups);
  });

  it('no float opcode at all where inputs and outputs are codes', async () => {
    const { inside, atBorder, border } = floatUse(wasmOf(await program('mnist_resnet_f', 'int8', 'int')));
    expect([...inside, ...atBorder, ...border]).toEqual([]);
  });
});
