import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/calibrate/data/index.ts';
import type { Diagnosis, Evaluation, Manifest } from '../../src/index.ts';
import { modelOf, node } from '../state/model.ts';
import { numbers, samples, tinyModel } from './models.ts';
import { workplace } from './workplace.ts';

const data = { dtype: 'f32', shape: [12, 2, 6, 6], data: numbers(864) } as const;

const { qc, folder, list } = workplace({
  'model.onnx': tinyModel(),
  'calib.npy': writeNpy(samples),
  'dev.npy': writeNpy(data),
  // The output has 9 rows of 3 values.
  'labels.npy': writeNpy({ dtype: 'i32', shape: [12, 9], data: Int32Array.from({ length: 108 }, (_, i) => i % 3) }),
  'short.npy': writeNpy({ dtype: 'i32', shape: [11, 9], data: new Int32Array(99) }),
  // A box is the more certain the larger its edges are.
  'detector.onnx': modelOf(
    [
      node('Identity', ['boxes'], ['found']),
      node('ReduceMax', ['boxes'], ['largest'], [{ name: 'axes', type: 'ints', value: [-1n] }]),
      node('Sigmoid', ['largest'], ['certainty']),
    ],
    [['boxes', 'f32', [1, 2, 4]]],
    [
      ['found', 'f32', [1, 2, 4]],
      ['certainty', 'f32', [1, 2, 1]],
    ],
  ),
  'boxes.npy': writeNpy({ dtype: 'f32', shape: [3, 2, 4], data: Float32Array.from({ length: 24 }, (_, i) => i) }),
  'objects.npy': writeNpy({
    dtype: 'f32',
    shape: [3, 6],
    data: Float32Array.of(0, 0, 0, 1, 2, 3, 1, 0, 12, 13, 14, 15, 2, 0, 0, 0, 1, 1),
  }),
  'real.npy': writeNpy({ dtype: 'f32', shape: [12], data: new Float32Array(12) }),
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const evaluate = (...args: string[]) =>
  qc('eval', 'model.onnx', '--calibrate', 'calib.npy', '--data', 'dev.npy', ...args);
const debug = (...args: string[]) => qc('debug', 'model.onnx', '--calibrate', 'calib.npy', ...args);

describe('qc eval', () => {
  it('prints float and the scheme in one table', () => {
    const { code, out } = evaluate('--scheme', 'w8a8', '--labels', 'labels.npy', '--time', '--quiet');
    expect(code).toBe(0);
    const [head = '', float = '', w8a8 = ''] = out.split('\n');
    expect(head.trim().split(/ {2,}/)).toEqual([
      ...['scheme', 'top-1', 'top-5', 'SNR', 'MSE', 'agreement', 'weights', 'integers', 'a sample', 'run by'],
    ]);
    expect(float).toMatch(/^float +\d+\.\d\d % \[.*\] +100\.00 % .* – +– +– +\d.* 0\.0 % +[\d.]+ ms +wasm$/);
    expect(w8a8).toMatch(/^w8a8 .* dB \[\d+\.\d, \d+\.\d\] .* 100\.0 % +[\d.]+ ms +wasm$/);
  });

  it('prints JSON, of the samples and metrics that were asked for', () => {
    const { out } = evaluate('--scheme', 'w8a8', '--metric', 'snr', '--limit', '5', '--json', '--quiet');
    const { samples: count, result, metrics, schemes } = JSON.parse(out) as Evaluation;
    expect({ count, result, metrics }).toEqual({ count: 5, result: 'scores', metrics: ['snr'] });
    expect(schemes.map(({ scheme }) => scheme)).toEqual(['float', 'w8a8']);
    const { value = 0, low = 0, high = 0 } = schemes[1]?.metrics.snr ?? {};
    expect(value).toBeGreaterThan(25);
    expect([low <= value, value <= high]).toEqual([true, true]);
  });

  it('says how well the objects on pictures are found', () => {
    const { out } = qc(
      ...['eval', 'detector.onnx', '--data', 'boxes.npy', '--limit', '2', '--metric', 'map50', '--json', '--quiet'],
      ...['--detections', 'boxes=found,scores=certainty,suppress=0.5', '--objects', 'objects.npy'],
    );
    const { schemes } = JSON.parse(out) as Evaluation;
    // In the order of certainty: the object of the second picture, no object, no object, the one of the first.
    expect(schemes[0]?.metrics.map50?.value).toBeCloseTo((51 + 50 / 2) / 101, 12);
  });

  it.each([
    [['--scheme', 'w8a8', '--metric', 'map50'], 1, /map50 needs objects[\s\S]*--detections/],
    [['--detections', 'boxes=scores', '--objects', 'real.npy'], 2, /names no scores/],
    [['--objects', 'real.npy'], 2, /come with --detections/],
    [['--scheme', 'w8a8', '--metric', 'top1'], 1, /top1 needs labels/],
    [['--scheme', 'w8a8', '--labels', 'short.npy'], 1, /labels/],
    [['--scheme', 'w8a8', '--labels', 'real.npy'], 1, /labels are f32[\s\S]*real\.npy/],
    [['--scheme', 'w8a8', '--result', 'score'], 1, /did you mean 'scores'/],
    [['--scheme', 'w8a9'], 2, /did you mean 'w8a8'/],
  ])('%j is refused', (args, code, says) => {
    const outcome = evaluate(...args);
    expect(outcome.err).toMatch(says);
    expect(outcome.code).toBe(code);
  });
});

describe('qc debug', () => {
  it('ranks the layers by the names of their nodes', () => {
    const { code, out } = debug('--quiet');
    expect(code).toBe(0);
    expect(out).toMatch(/^output scores: \d+\.\d dB/);
    for (const name of ['first', 'second', 'image']) expect(out).toMatch(new RegExp(`^${name} `, 'm'));
  });

  it('prints JSON', () => {
    const { out } = debug('--data', 'dev.npy', '--limit', '3', '--json', '--quiet');
    const { samples: count, layers } = JSON.parse(out) as Diagnosis;
    expect(count).toBe(3);
    expect(layers.map(({ node }) => node).sort()).toEqual(['first', 'image', 'second']);
    const damages = layers.map(({ damage }) => damage.snr ?? Number.POSITIVE_INFINITY);
    expect(damages).toEqual(damages.toSorted((a, b) => a - b));
  });
});

describe('qc debug --fix', () => {
  it('writes a recipe within the budget, which qc eval takes', () => {
    const { code, err } = debug('--fix', 'fixed.json', '--budget', 'size=1000KB');
    expect(err).toMatch(/wrote fixed\.json/);
    expect(code).toBe(0);
    const recipe = JSON.parse(readFileSync(join(folder, 'fixed.json'), 'utf8')) as { keepFloat: string[] };
    expect(recipe).toMatchObject({ scheme: 'w8a8' });
    expect(recipe.keepFloat).toContain('second');
    const { out } = evaluate('--scheme', 'w8a8,fixed.json', '--metric', 'snr', '--json', '--quiet');
    const [, plain, fixed] = (JSON.parse(out) as Evaluation).schemes;
    const better = fixed?.metrics.snr?.value ?? Number.POSITIVE_INFINITY;
    expect(better).toBeGreaterThan(plain?.metrics.snr?.value ?? Number.NaN);
  });

  it('writes nothing where nothing fits, and refuses a budget that is none', () => {
    expect(debug('--fix', 'none.json', '--budget', 'size=0%').err).toMatch(/none\.json is not written/);
    expect(list()).not.toContain('none.json');
    expect(debug('--budget', 'big')).toMatchObject({ code: 2, err: expect.stringMatching(/a size is needed/) });
  });
});

describe('qc compile --statistics', () => {
  const compile = (...args: string[]) => qc('compile', 'model.onnx', '--target', 'wasm', '--scheme', 'w8a8', ...args);
  const file = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');

  it('takes the place of samples: the artifact is the same, and says where its ranges come from', () => {
    expect(compile('--calibrate', 'calib.npy', '--save-statistics', 'seen.json', '-o', 'direct').code).toBe(0);
    expect(compile('--statistics', 'seen.json', '-o', 'again').code).toBe(0);
    expect(file('again', 'manifest.json')).toBe(file('direct', 'manifest.json'));
    const { calibration } = JSON.parse(file('again', 'manifest.json')) as Manifest;
    expect(calibration).toMatchObject({ engine: 'wasm', sha256: sha256(file('seen.json')) });
  });

  it('knows other observers, and refuses what makes no sense', () => {
    expect(
      compile('--statistics', 'seen.json', '--observer', 'percentile', '--percentile', '90', '-o', 'cut').code,
    ).toBe(0);
    expect(file('cut', 'manifest.json')).not.toBe(file('direct', 'manifest.json'));
    expect(compile('--statistics', 'seen.json', '--percentile', '99')).toMatchObject({ code: 2 });
    expect(compile('--statistics', 'seen.json', '--max-ram', 'lots').err).toMatch(/--max-ram lots: a size is needed/);
    expect(compile('--statistics', 'calib.npy').err).toMatch(/no JSON/);
  });
});

describe('qc compile --keep-float', () => {
  const compile = (names: string, folderName: string) =>
    qc(
      'compile',
      'model.onnx',
      '--target',
      'wasm',
      '--scheme',
      'w8a8',
      '--calibrate',
      'calib.npy',
      '--keep-float',
      names,
      '-o',
      folderName,
    );

  it('keeps what it names', () => {
    expect(compile('sec*', 'kept').code).toBe(0);
    const manifest = JSON.parse(readFileSync(join(folder, 'kept', 'manifest.json'), 'utf8')) as Manifest;
    expect(manifest.stayedFloat).toContainEqual({
      node: 'second',
      op: 'nn.conv',
      reason: 'it was to be kept in float',
    });
    expect(manifest.integerShare).toBeGreaterThan(0);
    expect(manifest.integerShare).toBeLessThan(1);
  });

  it('refuses a name that is none', () => {
    const { code, err } = compile('secund', 'none');
    expect(code).toBe(1);
    expect(err).toMatch(/no layer is called 'secund'[\s\S]*did you mean 'second'/);
    expect(list()).not.toContain('none');
  });
});
