import { beforeAll, describe, expect, it } from 'vitest';
import { runWgsl } from '../../backends/wgsl/host.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { bindDimensions } from '../../src/api/dimensions.ts';
import { stagesFor } from '../../src/api/pipeline.ts';
import { importOnnx, interpret, type Module, parse, print, runPipeline } from '../../src/index.ts';
import { hasModels } from '../quant/modelCases.ts';
import { device, missingWebGpu } from '../wgsl/dawn.ts';
import { exposeIntegers } from './integerResults.ts';
import { packagedModels, type SingleInputModel, sharedModels } from './singleInput.ts';

/** Whole models whose shaders a driver on the CPU compiles in reasonable time; `QC_FULL` adds larger ones. */
const names = ['mnist_resnet_f', ...(process.env.QC_FULL ? ['resnet8_cifar10', 'mbnet128_0.25_f'] : [])];

/** A model before kernels, as text: each run uses up a module of its own. */
async function prepared(model: SingleInputModel, scheme: 'float' | 'w8a8'): Promise<() => Module> {
  const module = importOnnx(model.bytes);
  await bindDimensions(module, model.dims);
  const rows = model.rows('calib').slice(0, 4);
  await runPipeline(module, stagesFor(scheme).model, { calibration: rows.map((row) => ({ [model.input]: row })) });
  const { text, bin } = print(module);
  return () => parse(text, bin ? { bin } : {});
}

/** The results of the interpreter and of the device, for the same row. */
async function both(model: SingleInputModel, scheme: 'float' | 'w8a8', fresh: () => Module) {
  const row = model.rows('dev')[0];
  if (!row) throw new Error('a model without data');
  const module = fresh();
  const codes = scheme === 'w8a8' ? exposeIntegers(module, 'codes') : [];
  const expected = interpret(module, { [model.input]: row });
  await runPipeline(module, stagesFor(scheme).kernels, { target: wgslTarget });
  const program = await runWgsl(module, await device());
  const actual = await program.run({ [model.input]: row.data });
  program.destroy();
  return { codes, expected, actual };
}

function describeModel(model: SingleInputModel): void {
  describe(model.name, () => {
    const fresh = new Map<string, () => Module>();
    beforeAll(async () => {
      for (const scheme of ['float', 'w8a8'] as const) fresh.set(scheme, await prepared(model, scheme));
    });

    it('in float is near the interpreter', async () => {
      const { expected, actual } = await both(model, 'float', fresh.get('float') as () => Module);
      for (const [name, { data }] of Object.entries(expected)) {
        const wanted = Array.from(data, Number);
        const worst = wanted.reduce((most, v, i) => Math.max(most, Math.abs(v - Number(actual[name]?.[i]))), 0);
        expect(worst).toBeLessThanOrEqual(1e-4 * Math.max(...wanted.map(Math.abs)));
      }
    });

    it('in w8a8 has its integers, byte by byte', async () => {
      const { codes, expected, actual } = await both(model, 'w8a8', fresh.get('w8a8') as () => Module);
      expect(codes.length).toBeGreaterThan(0);
      for (const name of codes)
        expect(Array.from(actual[name] as Int8Array), name).toEqual(Array.from(expected[name]?.data as Int8Array));
    });
  });
}

describe.skipIf(missingWebGpu)(`the packaged model in WGSL${missingWebGpu}`, () =>
  packagedModels().forEach(describeModel),
);

describe.skipIf(missingWebGpu || !hasModels)(
  `shared models in WGSL${missingWebGpu} (skipped where ../shared/models or ../shared/data is absent)`,
  () => {
    for (const name of names) {
      const model = sharedModels().find((one) => one.name === name);
      if (model) describeModel(model);
      else it.skip(name, () => {});
    }
  },
);
