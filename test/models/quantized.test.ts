import { describe, expect, it } from 'vitest';
import { hasModels, type ModelCase, modelBytes, modelCases, samplesOf } from '../quant/modelCases.ts';
import { compileScheme, measure, type Quality } from '../quant/quality.ts';

/** Every row of the dev part with QC_FULL=1, else about so many. */
const rows = process.env.QC_FULL ? Number.POSITIVE_INFINITY : 100;

async function qualityOf(model: ModelCase): Promise<Quality> {
  const bytes = modelBytes(model);
  const all = samplesOf(model, 'dev').length;
  const samples = samplesOf(model, 'dev', Math.max(1, Math.ceil(all / rows)));
  const calibration = samplesOf(model, 'calib').map(({ input }) => input);
  const float = await compileScheme(bytes, 'float');
  const quantized = await compileScheme(bytes, 'w8a8', calibration);
  return measure(float, quantized, samples);
}

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

function describeQuality(name: string, { samples, snr, agreement, floatAccuracy, accuracy }: Quality): string {
  const classes = `float ${percent(floatAccuracy)}, w8a8 ${percent(accuracy)}, same answer ${percent(agreement)}`;
  return `${name}: ${snr.toFixed(1)} dB on ${samples} samples${floatAccuracy > 0 ? `; ${classes}` : ''}`;
}

/** Share of samples by which sampling alone moves a result that holds on the whole part. */
const slack = (samples: number): number => (process.env.QC_FULL ? 0 : 2 / samples);

describe.skipIf(!hasModels)('w8a8 on real models (needs ../shared/models and ../shared/data)', () => {
  for (const model of modelCases) {
    it(`${model.name}: at least ${model.leastSnr} dB`, async () => {
      const quality = await qualityOf(model);
      console.log(describeQuality(model.name, quality));
      expect(quality.snr).toBeGreaterThanOrEqual(model.leastSnr);
      if (model.lossPoints === undefined) return;
      const allowed = slack(quality.samples);
      expect(quality.accuracy).toBeGreaterThanOrEqual(quality.floatAccuracy - model.lossPoints / 100 - allowed);
      expect(quality.agreement).toBeGreaterThanOrEqual(0.98 - allowed);
    });
  }
});
