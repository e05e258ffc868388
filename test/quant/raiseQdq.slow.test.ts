import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  compile,
  exportOnnx,
  importOnnx,
  instantiate,
  quantizeTypes,
  type Recipe,
  runPipeline,
} from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { samples, tinyModel } from '../cli/models.ts';
import { contentOf } from './moduleContent.ts';

const calibration = [0, 1, 2, 3].map((i) => ({
  image: { dtype: 'f32' as const, shape: [1, 2, 6, 6], data: samples.data.slice(72 * i, 72 * (i + 1)) },
}));

const wide: Recipe = { scheme: 'w8a8', activations: { storage: 'i16' } };
const widths = [
  ['8 bits', 'w8a8'],
  ['16 bits', wide],
] as const;

/** A small model, quantized and exported. */
async function quantized(scheme: 'w8a8' | Recipe = 'w8a8'): Promise<Uint8Array> {
  const module = importOnnx(tinyModel());
  await quantizeTypes(module, { scheme, calibration });
  return exportOnnx(module);
}

describe('a model that is quantized already', { timeout: 30_000 }, () => {
  it.each(widths)(
    'of %s keeps its parameters: the integer ops are those of the module that was exported',
    async (_, scheme) => {
      const module = importOnnx(tinyModel());
      await quantizeTypes(module, { scheme, calibration });
      const again = importOnnx(exportOnnx(module));
      await quantizeTypes(again);
      for (const one of [module, again]) await runPipeline(one, 'fold-constants,to-integer,expand-dcast');
      expect(contentOf(again)).toEqual(contentOf(module));
    },
  );

  it('computes in integers without a scheme, in float where that is asked, and with layers in float', async () => {
    const bytes = await quantized();
    const manifestOf = async (options: object) =>
      (await compile(importOnnx(bytes), { target: 'wasm', ...options })).manifest;
    const own = await manifestOf({});
    expect(own).toMatchObject({ scheme: 'qdq', integerShare: 1 });
    expect(own.quantization.layers.map(({ node }) => node)).toEqual(['first', 'second']);
    expect(await manifestOf({ scheme: 'float' })).toMatchObject({ scheme: 'float', integerShare: 0 });
    const partly = await manifestOf({ keepFloat: ['second'] });
    expect(partly.integerShare).toBeGreaterThan(0);
    expect(partly.integerShare).toBeLessThan(1);
  });

  it.each(widths)('of %s answers as onnxruntime, all in integers', async (_, scheme) => {
    const bytes = await quantized(scheme);
    const { files, manifest } = await compile(importOnnx(bytes), { target: 'wasm' });
    expect(manifest.integerShare).toBe(1);
    const program = await instantiate(files);
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    for (const { image } of calibration) {
      const mine = program.run({ image }).scores as HostTensor;
      const theirs = await session.run({ image: new Tensor('float32', image.data as Float32Array, image.shape) });
      const expected = theirs.scores?.data as Float32Array;
      expected.forEach((v, i) => void expect(mine.data[i] as number).toBeCloseTo(v, 4));
    }
  });

  it('is named by layer where it stays float', async () => {
    const lines: string[] = [];
    const bytes = await quantized();
    const options = { target: 'wasm', keepFloat: ['first'], report: (line: string) => lines.push(line) } as const;
    await compile(importOnnx(bytes), options);
    expect(lines.join('\n')).not.toMatch(/second: nn.conv stays float/);
  });
});
