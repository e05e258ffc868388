import { describe, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { bindDimensions } from '../../src/api/dimensions.ts';
import { runPipeline, stagesFor } from '../../src/api/pipeline.ts';
import type { Dataset } from '../../src/calibrate/data/index.ts';
import { semantics } from '../../src/cli/semantics.ts';
import type { Instrument, Pipeline } from '../../src/pass/index.ts';
import { recipeNames, recipes, type SchemeName } from '../../src/scheme/index.ts';
import { dimsOf, hasSharedModels, type SharedSample, sharedModel, sharedSamples } from './sharedSamples.ts';

/** Models, and sizes that the importer must know. */
const quick = { mnist_resnet_f: {}, resnet8_cifar10: {}, mamba_char_step: {} } as const;
const others = {
  ad01_fp32: {},
  vww_96_float: {},
  'mbnet128_0.25_f': {},
  blazeface_front_128: {},
  silero_vad_16k_op15: { sequence: 576 },
  vit_mnist: {},
  stories260K: {},
  stories260K_kv: {},
  ddpm_mnist: {},
  llama_char: {},
  llama_char_kv: {},
  llama_char_outlier: {},
  rxnmapper_albert: {},
  ultraface_RFB_320: {},
  yolox_nano_416: {},
} as const;

const models = Object.entries({ ...quick, ...(process.env.QC_FULL ? others : {}) });

function datasetOf(samples: readonly SharedSample[]): Dataset {
  const inputs = samples.map((one) => one.inputs as ReturnType<Dataset['sample']>);
  const [first] = inputs;
  return {
    length: inputs.length,
    inputs: Object.keys(first ?? {}),
    sample: (index) => inputs[index] as ReturnType<Dataset['sample']>,
    [Symbol.iterator]: () => inputs[Symbol.iterator](),
  };
}

/** Samples: of large models one. */
const samplesOf = (name: string) => sharedSamples(name).slice(0, name in quick ? 2 : 1);

const schemes = ['float', 'w8a8', 'int8'] as const;

const stepsOf = (scheme: SchemeName): Pipeline => {
  const { model, kernels } = stagesFor(scheme);
  return [...model, ...kernels];
};

/** How many passes a pipeline begins with that another one begins with too. */
function common(a: Pipeline, b: Pipeline): number {
  const differs = a.findIndex((step, i) => JSON.stringify(step) !== JSON.stringify(b[i]));
  return differs < 0 ? a.length : differs;
}

/** Checks passes from number `first` on. */
function since(first: number, checks: Instrument): Instrument {
  let count = 0;
  return {
    async before(run, module) {
      if (count++ >= first) await checks.before?.(run, module);
    },
    async after(run, module, milliseconds) {
      if (count > first) await checks.after?.(run, module, milliseconds);
    },
  };
}

/** Checks a pipeline; what an earlier one begins with too has been checked there. */
async function verified(
  name: string,
  symbols: Readonly<Record<string, number>>,
  steps: Pipeline,
  earlier: readonly Pipeline[],
): Promise<void> {
  const module = sharedModel(name, symbols);
  const samples = samplesOf(name);
  await bindDimensions(module, dimsOf(module, samples[0] as SharedSample));
  const data = datasetOf(samples);
  const first = Math.max(0, ...earlier.map((one) => common(steps, one)));
  const instruments = [since(first, semantics(data))];
  await runPipeline(module, steps, { target: wasmTarget, calibration: data, instruments });
}

describe.skipIf(!hasSharedModels)(
  `every pass keeps its promise on whole models${hasSharedModels ? '' : ' (no shared models here)'}`,
  { timeout: 600_000 },
  () => {
    it.each(models.flatMap(([name, symbols]) => schemes.map((scheme) => [name, scheme, symbols] as const)))(
      '%s, %s',
      async (name, scheme, symbols) => {
        const earlier = schemes.slice(0, schemes.indexOf(scheme)).map(stepsOf);
        await verified(name, symbols, stepsOf(scheme), earlier);
      },
    );

    // kernels are made of what schemes make too
    const all = ['resnet8_cifar10', 'mamba_char_step'].flatMap((name) =>
      recipeNames.map((recipe) => [name, recipe] as const),
    );
    const rotations = all.filter(([name, recipe]) => name === 'mamba_char_step' && /^(quarot|block)/.test(recipe));
    it.each(process.env.QC_FULL ? all : rotations)('%s, recipe %s up to kernels', async (name, recipe) => {
      await verified(name, {}, stagesFor(recipes[recipe]).model, schemes.map(stepsOf));
    });
  },
);
