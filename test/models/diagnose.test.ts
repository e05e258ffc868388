import { describe, expect, it } from 'vitest';
import { observe } from '../../dialects/quant/observe.ts';
import { loadRange, storeRange } from '../../src/calibrate/index.ts';
import { diagnose } from '../../src/index.ts';
import type { Module } from '../../src/ir/index.ts';
import {
  dimsOf,
  hasSharedModels,
  modelsFolder,
  type SharedSample,
  sharedModel,
  sharedSamples,
} from './sharedSamples.ts';

const names = [
  ...['mnist_resnet_f', 'resnet8_cifar10', 'ad01_fp32', 'silero_vad_16k_op15', 'mamba_char_step'],
  ...['stories260K_kv', 'vww_96_float', 'blazeface_front_128', 'mbnet128_0.25_f', 'stories260K'],
];

/** Layers whose results have ranges of their own, in the order of the graph. */
function rangedLayers({ main }: Module): string[] {
  const marks = [...main.body.ops()].filter((op) => observe.is(op) && op.operand(0).op);
  return marks.map((op) => observe.attributesOf(op).stats).filter((stats) => !stats.includes('#'));
}

/** Makes a layer's codes a thousand times coarser. */
function spoil(module: Module, layer: string): void {
  const range = loadRange(module, layer);
  // Where the readers are kept in float nobody asks for the range.
  if (!range) return;
  const wider = ({ min, max }: { min: number; max: number }) => ({ min: 1000 * min, max: 1000 * max });
  storeRange(module, layer, { ...wider(range), whole: wider(range.whole) });
}

describe.skipIf(!hasSharedModels)(`qc debug on ten models (needs ${modelsFolder})`, { timeout: 300_000 }, () => {
  it.each(names)('puts the spoiled layer of %s first', async (name) => {
    const samples = sharedSamples(name);
    const module = sharedModel(name, name.startsWith('silero') ? { sequence: 576 } : {});
    const calibration = samples.map(({ inputs }) => inputs);
    let spoiled: string | undefined;
    const { layers } = await diagnose(module, {
      ...{ dims: dimsOf(module, samples[0] as SharedSample), calibration, dataset: calibration.slice(0, 1) },
      instruments: [
        {
          after({ pass }, calibrated) {
            if (pass.name !== 'raise-activations') return;
            const ranged = rangedLayers(calibrated);
            spoiled ??= ranged[Math.floor(ranged.length / 2)] as string;
            spoil(calibrated, spoiled);
          },
        },
      ],
    });
    expect(layers[0]).toMatchObject({ node: spoiled, cause: 'values' });
  });
});
