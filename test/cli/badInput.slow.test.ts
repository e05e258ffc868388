import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/calibrate/data/index.ts';
import { image, numbers, samples, tinyModel } from './models.ts';
import { workplace } from './workplace.ts';

const good = tinyModel();
const { qc, list, folder } = workplace({
  'good.onnx': good,
  'text.onnx': 'a few words, and nothing of a model',
  'torch.onnx': Uint8Array.of(0x50, 0x4b, 3, 4, ...new Uint8Array(60)),
  'empty.onnx': new Uint8Array(0),
  'short.onnx': good.slice(0, good.length - 100),
  'unknown.onnx': tinyModel(([first, relu, second]) => [first!, { ...relu!, opType: 'Rellu' }, second!]),
  'missing.onnx': tinyModel(([first, , second]) => [first!, second!]),
  'bad.qir': 'func @main(%x: tensor<4xf32>) -> (%y: tensor<4xf32>) {\n  %y = nn.clmap %x : tensor<4xf32>\n}\n',
  'kernel.qir': 'kernel @k() {\n  kernel.return\n}\n',
  'model.tflite': good,
  'image.npy': writeNpy(image),
  'flat.npy': writeNpy({ dtype: 'f32', shape: [72], data: numbers(72) }),
  'bytes.npy': writeNpy({ dtype: 'u8', shape: [1, 2, 6, 6], data: new Uint8Array(72) }),
  'samples.npy': writeNpy(samples),
  'wide.npy': writeNpy({ dtype: 'f32', shape: [4, 2, 8, 8], data: numbers(512) }),
  'nan.npy': writeNpy({ dtype: 'f32', shape: [1, 2, 6, 6], data: new Float32Array(72).fill(Number.NaN) }),
  'broken.npy': 'no array',
  'recipe.json': 'scheme: w8a8',
});
const before = list();

const compileFloat = (model: string) => ['compile', model, '--target', 'wasm', '-o', 'out'];
const compileCodes = (...data: string[]) => [...compileFloat('good.onnx'), '--scheme', 'w8a8', ...data];
const run = (...args: string[]) => ['run', 'good.onnx', ...args, '-o', 'out'];

/** What is wrong, the command line, and what the message must say: place, cause and help. */
const cases: [what: string, args: string[], says: RegExp[]][] = [
  ['text instead of a model', compileFloat('text.onnx'), [/text\.onnx/, /help:/]],
  ['a file of another framework', compileFloat('torch.onnx'), [/torch\.onnx/i, /help:.*onnx/]],
  ['an empty file', compileFloat('empty.onnx'), [/empty\.onnx/, /help:/]],
  ['a truncated model', compileFloat('short.onnx'), [/short\.onnx/, /help:/]],
  ['an unknown operator', compileFloat('unknown.onnx'), [/Rellu/, /at: +activation/, /did you mean 'Relu'|support/]],
  ['a value that nothing makes', compileFloat('missing.onnx'), [/'b'/, /at: +second/, /help:/]],
  ['text with a mistake', compileFloat('bad.qir'), [/nn\.clmap/, /bad\.qir, line 2/, /nn\.clamp/]],
  ['text without a model', compileFloat('kernel.qir'), [/no function @main/, /help:/]],
  ['an ending that is no model', compileFloat('model.tflite'), [/model\.tflite/, /why:/, /help:.*ONNX/]],
  ['no file', compileFloat('nothing.onnx'), [/nothing\.onnx/, /there is no such file/]],
  ['a size for an unknown dimension', [...compileFloat('good.onnx'), '--dim', 'M=2'], [/'M'/, /N/]],
  ['no calibration data', compileCodes(), [/w8a8 needs calibration data/, /--calibrate/]],
  [
    'calibration data of another shape',
    compileCodes('--calibrate', 'wide.npy'),
    [/\[4, 2, 8, 8\]/, /\[1, 2, 6, 6\]/, /at: +wide\.npy/],
  ],
  ['calibration data of another type', compileCodes('--calibrate', 'bytes.npy'), [/u8/, /f32/, /--input-format/]],
  ['calibration data with NaN', compileCodes('--calibrate', 'nan.npy'), [/NaN|not a number/i]],
  ['calibration data for an unknown input', compileCodes('--calibrate', 'imaeg=samples.npy'), [/did you mean 'image'/]],
  ['a file that is no array', compileCodes('--calibrate', 'broken.npy'), [/broken\.npy/]],
  ['a missing input', run(), [/'image' is missing/, /f32/, /help:/]],
  ['an input of the wrong shape', run('--input', 'flat.npy'), [/\[72\]/, /\[N, 2, 6, 6\]/]],
  ['an input of the wrong type', run('--input', 'image=bytes.npy'), [/u8/, /f32/]],
  ['an unknown input', run('--input', 'imgae=image.npy'), [/did you mean 'image'/]],
  ['a folder that is no artifact', ['run', '.', '--input', 'image.npy'], [/no artifact/, /manifest\.json/]],
  ['a model where an artifact belongs', ['profile', 'good.onnx'], [/no artifact/, /good\.onnx/, /help:.*qc compile/]],
  [
    'a page below a folder that is not there',
    ['report', 'good.onnx', '-o', 'no/r.html'],
    [/no\/r\.html/, /no such folder/],
  ],
  [
    'a pass that there is none of',
    ['opt', 'good.onnx', '--print-ir-after=canonicalise'],
    [/'canonicalise'/, /did you mean 'canonicalize'/],
  ],
  ['statistics that are none', compileCodes('--statistics', 'broken.npy'), [/at: +broken\.npy/, /--save-statistics/]],
  [
    'a recipe that is none',
    [...compileFloat('good.onnx'), '--scheme', 'recipe.json'],
    [/no JSON/, /recipe\.json/, /help:.*"scheme"/],
  ],
  [
    'an output folder below a file',
    ['compile', 'good.onnx', '--target', 'wasm', '-o', 'image.npy/out'],
    [/image\.npy\/out/, /file, not a folder/, /-o/],
  ],
  [
    'an output folder that is a file',
    ['compile', 'good.onnx', '--target', 'wasm', '-o', 'image.npy'],
    [/image\.npy/, /file, not a folder/],
  ],
  [
    'an output folder where the system lets nobody write',
    ['compile', 'good.onnx', '--target', 'wasm', '-o', '/proc/qc/out'],
    [/\/proc\/qc\/out/, /cannot be written/, /-o/],
  ],
];

describe('bad input', { timeout: 60_000 }, () => {
  it.each(cases)('%s: exit code 1, one message, nothing left', (_, args, says) => {
    const { code, out, err } = qc(...args);
    expect(err).not.toMatch(/^ +at .*:\d+:\d+\)?$/m);
    for (const pattern of says) expect(err).toMatch(pattern);
    expect(err.match(/^qc: /gm)).toHaveLength(1);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(list()).toEqual(before);
  });

  it.skipIf(process.getuid?.() === 0)('a read-only folder (skipped for root, who may write everywhere)', () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    const { code, err } = qc('compile', 'good.onnx', '--target', 'wasm', '-o', 'closed/out');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('permission') });
  });
});
