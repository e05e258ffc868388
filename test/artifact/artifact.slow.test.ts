import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selfTestError } from '../../src/api/selfTest.ts';
import { inputSignature } from '../../src/api/signature.ts';
import { readNpy, writeNpy } from '../../src/calibrate/data/index.ts';
import {
  type CompileOptions,
  compile,
  importOnnx,
  instantiate,
  interpret,
  loadDataset,
  readManifest,
} from '../../src/index.ts';
import { image, samples, tinyModel } from '../cli/models.ts';
import { workplace } from '../cli/workplace.ts';

const { qc, list, folder } = workplace({
  'tiny.onnx': tinyModel(),
  'image.npy': writeNpy(image),
  'samples.npy': writeNpy(samples),
});
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function build(options: Partial<CompileOptions> = {}) {
  const module = importOnnx(tinyModel());
  const files = { readFile: () => writeNpy(samples), listFolder: () => undefined };
  const calibration = loadDataset(['samples.npy'], inputSignature(module), files);
  return compile(module, { target: 'wasm', name: 'tiny', scheme: 'w8a8', calibration, ...options });
}

describe('an artifact', { timeout: 60_000 }, () => {
  it('is the same bytes for the same model and options', async () => {
    for (const target of ['wasm', 'c'] as const) {
      const [a, b] = await Promise.all([build({ target }), build({ target })]);
      expect([...a.files.keys()]).toEqual([...b.files.keys()]);
      for (const [name, bytes] of a.files) expect(sha256(bytes), name).toBe(sha256(b.files.get(name)!));
    }
  });

  it('says in its manifest what is in it', async () => {
    const { files, manifest, report } = await build();
    expect(readManifest(files.get('manifest.json')!, 'manifest.json')).toEqual(manifest);
    expect(Object.keys(manifest.files)).toEqual([...files.keys()].filter((name) => name !== 'manifest.json'));
    for (const [name, { bytes, sha256: hash }] of Object.entries(manifest.files)) {
      expect({ bytes, hash }, name).toEqual({ bytes: files.get(name)!.length, hash: sha256(files.get(name)!) });
    }
    expect(manifest.signature.inputs).toEqual([{ name: 'image', dtype: 'f32', shape: [1, 2, 6, 6] }]);
    // Counted by hand: 4·6·6 outputs of 2·9 products, 3·3·3 outputs of 4·9 products.
    expect(manifest.multiplyAdds).toBe(4 * 36 * 18 + 27 * 36);
    expect(manifest.integerShare).toBe(1);
    expect(manifest.stayedFloat).toEqual([]);
    const layers = manifest.quantization.layers.map(({ node }) => node);
    expect(layers).toEqual(expect.arrayContaining(['first', 'second']));
    expect(manifest.quantization.inputs.image?.storage).toBe('i8');
    expect(report).toMatch(/^size .*, RAM .*, 3564 multiply-adds, 100 % in integers$/);
  });

  it('answers its self-test, made again from the rule in the manifest', async () => {
    const { files, manifest } = await build();
    const { inputs, outputs, tolerance } = manifest.selfTest;
    const [{ seed, low, high }] = inputs as [(typeof inputs)[number]];
    const given = { dtype: 'f32' as const, shape: [1, 2, 6, 6], data: mulberry(seed, 72, low, high) };
    const { scores } = (await instantiate(files)).run({ image: given });
    const bytes = Buffer.from(outputs[0]?.base64 ?? '', 'base64');
    expect(sha256(bytes)).toBe(outputs[0]?.sha256);
    const expected = {
      dtype: 'f32' as const,
      shape: [1, 3, 3, 3],
      data: new Float32Array(new Uint8Array(bytes).buffer),
    };
    expect(selfTestError([expected], [scores!])).toBeLessThanOrEqual(tolerance);
  });

  it('in float, computes what the interpreter computes on the model', async () => {
    const expected = interpret(importOnnx(tinyModel()), { image });
    const { files } = await build({ scheme: 'float' });
    expect(
      selfTestError(Object.values(expected), Object.values((await instantiate(files)).run({ image }))),
    ).toBeLessThan(1e-5);
  });

  it('refuses a scheme without its data, a name that is no identifier, and inputs that do not fit', async () => {
    await expect(build({ calibration: undefined })).rejects.toThrow(/needs calibration data/);
    await expect(build({ name: '../x' })).rejects.toThrow(/is no name/);
    await expect(build({ target: 'c', singleFile: true })).rejects.toThrow(/single file/);
    const instance = await instantiate((await build()).files);
    expect(() => instance.run({})).toThrow(/'image' is missing/);
    expect(() => instance.run({ imagee: image, image })).toThrow(/did you mean 'image'/);
    expect(() => instance.run({ image: { ...image, shape: [72] } })).toThrow(/\[72\]/);
  });
});

/** The rule in words, written a second time: mulberry32, low + u·(high − low), rounded to f32. */
function mulberry(seed: number, count: number, low: number, high: number): Float32Array {
  let a = seed;
  return Float32Array.from({ length: count }, () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return low + (((t ^ (t >>> 14)) >>> 0) / 4294967296) * (high - low);
  });
}

describe('the command line on a whole artifact', { timeout: 120_000 }, () => {
  it('compiles for two targets, which answer alike, and replaces only its own files', () => {
    const compileArgs = [
      'compile',
      'tiny.onnx',
      '--target',
      'wasm,c',
      '--scheme',
      'w8a8',
      '--calibrate',
      'samples.npy',
    ];
    const first = qc(...compileArgs, '-o', 'out', '--weights', 'external');
    expect(first.code, first.err).toBe(0);
    expect(first.out.trim().split('\n').at(-1)).toMatch(/^c: size .* RAM .* multiply-adds, 100 % in integers$/);
    expect(list('out/wasm')).toEqual(['manifest.json', 'tiny.bin', 'tiny.d.ts', 'tiny.js', 'tiny.wasm']);
    writeFileSync(join(folder, 'out/wasm/notes.txt'), 'mine');
    expect(qc(...compileArgs, '-o', 'out').code).toBe(0);
    expect(list('out/wasm')).toEqual(['manifest.json', 'notes.txt', 'tiny.d.ts', 'tiny.js', 'tiny.wasm']);

    expect(qc('run', 'out/wasm', '--input', 'image.npy', '-o', 'a').code).toBe(0);
    const answers = readNpy(readFileSync(join(folder, 'a/scores.npy')), 'a');
    expect(answers.shape).toEqual([1, 3, 3, 3]);
    const printed = qc('run', 'out/wasm/manifest.json', '--input', 'image=image.npy', '--json');
    expect(JSON.parse(printed.out).scores.data).toEqual([...answers.data]);
    const inC = qc('run', 'out/c', '--input', 'image.npy', '-o', 'b');
    if (!/no C compiler/.test(inC.err)) {
      expect(readFileSync(join(folder, 'b/scores.npy'))).toEqual(readFileSync(join(folder, 'a/scores.npy')));
    }
    expect(qc('inspect', 'out/wasm').out).toContain('100 % in integers');
  });
});
