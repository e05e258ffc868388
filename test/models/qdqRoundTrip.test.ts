import { describe, expect, it } from 'vitest';
import { exportOnnx, importOnnx, type Module, quantizeTypes, runPipeline } from '../../src/index.ts';
import { hasModels, modelBytes, modelCases, samplesOf } from '../quant/modelCases.ts';
import { contentOf } from '../quant/moduleContent.ts';

// A model that was quantized, exported and imported again becomes the same integer ops: the same codes of weights and
// biases, the same multipliers, shifts and zero points.

async function integerOps(module: Module): Promise<string[]> {
  await runPipeline(module, 'fold-constants,to-integer,expand-dcast');
  return contentOf(module);
}

describe.skipIf(!hasModels)('w8a8 exported and imported again (needs ../shared/models and ../shared/data)', () => {
  it.each(modelCases)('$name: the same integer operations', async (model) => {
    const module = importOnnx(modelBytes(model));
    const input = module.main.body.args[0]?.name as string;
    const calibration = samplesOf(model, 'calib')
      .slice(0, 10)
      .map((sample) => ({ [input]: sample.input }));
    await quantizeTypes(module, { scheme: 'w8a8', calibration });
    const again = importOnnx(exportOnnx(module));
    await quantizeTypes(again);
    expect(await integerOps(again)).toEqual(await integerOps(module));
  });
});
