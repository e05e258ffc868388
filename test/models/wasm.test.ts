import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { instantiateWasm } from '../../backends/wasm/host.ts';
import { type Artifact, compile, importOnnx } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { hasModels, modelCases } from '../quant/modelCases.ts';
import { packagedModels, type SingleInputModel, sharedModels } from './singleInput.ts';

const rowsToRun = 6;
/** As a share of the range of onnxruntime's outputs over the rows. */
const tolerance = 1e-4;

async function runtimeOutputs(model: SingleInputModel, rows: readonly HostTensor[]): Promise<Float32Array[]> {
  const session = await InferenceSession.create(model.bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const [name = ''] = session.outputNames;
  const outputs: Float32Array[] = [];
  for (const { data, shape } of rows) {
    const results = await session.run({ [model.input]: new Tensor('float32', data as Float32Array, shape) });
    outputs.push(results[name]?.data as Float32Array);
  }
  return outputs;
}

function relativeError(actual: readonly Float32Array[], expected: readonly Float32Array[]): number {
  let [low, high, worst] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  expected.forEach((wanted, row) => {
    expect(actual[row]?.length).toBe(wanted.length);
    wanted.forEach((value, i) => {
      low = Math.min(low, value);
      high = Math.max(high, value);
      const difference = Math.abs(value - (actual[row]?.[i] ?? Number.NaN));
      worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    });
  });
  return worst / (high - low);
}

function describeModel(model: SingleInputModel): void {
  describe(model.name, () => {
    const all = model.rows('dev');
    const step = Math.max(1, Math.floor(all.length / rowsToRun));
    const rows = all.filter((_, i) => i % step === 0).slice(0, rowsToRun);
    let artifact: Artifact;
    let expected: Float32Array[];

    beforeAll(async () => {
      artifact = await compile(importOnnx(model.bytes), { target: 'wasm', dims: model.dims });
      expected = await runtimeOutputs(model, rows);
    });

    const check = async (simd: 'baseline' | 'relaxed') => {
      const program = await instantiateWasm(artifact.files, { simd });
      expect(program.simd).toBe(simd);
      const output = artifact.manifest.signature.outputs[0]?.name ?? '';
      const actual = rows.map(({ data }) => program.run({ [model.input]: data })[output] as Float32Array);
      expect(relativeError(actual, expected)).toBeLessThanOrEqual(tolerance);
    };

    it('agrees with onnxruntime on baseline SIMD', () => check('baseline'));
    it('agrees with onnxruntime on relaxed SIMD', () => check('relaxed'));
  });
}

describe('the packaged model in float wasm', () => packagedModels().forEach(describeModel));

describe.skipIf(!hasModels)(
  'the shared models in float wasm (skipped where ../shared/models or ../shared/data is absent)',
  () => {
    for (const { name } of modelCases) {
      const model = sharedModels().find((one) => one.name === name);
      if (model) describeModel(model);
      else it.skip(name, () => {});
    }
  },
);
