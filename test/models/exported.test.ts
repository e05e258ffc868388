import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { compile, exportOnnx, importOnnx, instantiate, quantizeTypes } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { hasModels, modelBytes, modelCases, samplesOf } from '../quant/modelCases.ts';
import { argMax } from '../quant/quality.ts';

// Exported models in onnxruntime, as it runs them by default, beside qc's own programs on the same samples.

describe.skipIf(!hasModels)('w8a8 as QDQ in onnxruntime (needs ../shared/models and ../shared/data)', () => {
  it.each(modelCases)('$name: the answers of the compiled program', async (model) => {
    const read = () => importOnnx(modelBytes(model));
    const input = read().main.body.args[0]?.name as string;
    const calibration = samplesOf(model, 'calib')
      .slice(0, 100)
      .map((sample) => ({ [input]: sample.input }));
    const module = read();
    await quantizeTypes(module, { scheme: 'w8a8', calibration });
    const session = await InferenceSession.create(exportOnnx(module), { logSeverityLevel: 3 });
    const program = await instantiate((await compile(read(), { target: 'wasm', scheme: 'w8a8', calibration })).files);

    const all = samplesOf(model, 'dev').length;
    // With QC_FULL=1 every row of the dev part.
    const samples = samplesOf(model, 'dev', process.env.QC_FULL ? 1 : Math.ceil(all / 200));
    let [same, signal, noise] = [0, 0, 0];
    for (const { input: x } of samples) {
      const [mine] = Object.values(program.run({ [input]: x })) as [HostTensor];
      const answer = await session.run({ [input]: new Tensor('float32', x.data as Float32Array, x.shape) });
      const theirs = Object.values(answer)[0]?.data as Float32Array;
      const own = mine.data as Float32Array;
      if (argMax(own) === argMax(theirs)) same++;
      own.forEach((v, i) => {
        signal += v ** 2;
        noise += (v - (theirs[i] as number)) ** 2;
      });
    }
    const decibels = 10 * Math.log10(signal / noise);
    console.log(`${model.name}: ${decibels.toFixed(1)} dB, same answer on ${same} of ${samples.length}`);
    expect(decibels).toBeGreaterThanOrEqual(35);
    expect(same).toBeGreaterThanOrEqual(0.995 * samples.length);
  });
});
