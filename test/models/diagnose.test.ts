import { describe, expect, it } from 'vitest';
import { loadRange, storeRange } from '../../src/calibrate/index.ts';
import { type Diagnosis, diagnose, importOnnx } from '../../src/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { hasModels, type ModelCase, modelBytes, modelCases, samplesOf } from '../quant/modelCases.ts';

const models = modelCases.filter(({ name }) => ['mnist_resnet_f', 'resnet8_cifar10', 'ad01_fp32'].includes(name));

/** Runs `change` on the module as calibration leaves it. */
const afterCalibration = (change: (module: Module) => void) => ({
  after({ pass }: { pass: { name: string } }, module: Module) {
    if (pass.name === 'calibrate') change(module);
  },
});

async function diagnoseModel(model: ModelCase, change: (module: Module) => void): Promise<Diagnosis> {
  const samples = samplesOf(model, 'calib', model.folder === 'ad01' ? 2 : 50).map(({ input }) => ({ input }));
  const instruments = [afterCalibration(change)];
  return diagnose(importOnnx(modelBytes(model)), { calibration: samples, dataset: samples.slice(0, 2), instruments });
}

/** Layers that give codes of a range of their own: up to four of them, from the front to the back. */
async function spoilable(model: ModelCase): Promise<string[]> {
  const ranged = new Set<string>();
  const { layers } = await diagnoseModel(model, ({ facts }) => {
    for (const fact of facts.keys()) ranged.add(fact.replace('range:', ''));
  });
  const names = layers.filter(({ node, op }) => op !== 'quant.qcast' && ranged.has(node)).map(({ node }) => node);
  names.sort((a, b) => (a < b ? -1 : 1));
  const places = [0, 1 / 3, 2 / 3, 1].map((at) => Math.round(at * (names.length - 1)));
  return [...new Set(places)].map((place) => names[place] as string);
}

describe.skipIf(!hasModels)('qc debug on real models (needs ../shared/models and ../shared/data)', () => {
  for (const model of models) {
    it(`finds the spoiled layer of ${model.name}`, async () => {
      const names = await spoilable(model);
      expect(new Set(names).size).toBeGreaterThanOrEqual(3);
      for (const name of names) {
        const { layers } = await diagnoseModel(model, (module) => {
          // Where the readers are kept in float nobody asks for the range.
          const range = loadRange(module, name);
          if (range) storeRange(module, name, { ...range, min: 1000 * range.min, max: 1000 * range.max });
        });
        expect(layers[0]).toMatchObject({ node: name, cause: 'values' });
      }
    });
  }
});
