import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import createWabt from 'wabt';
import { emitWasm, instantiateWasm, type WasmOptions } from '../../backends/wasm/index.ts';
import { runtimeStrings } from '../../scripts/runtime-strings.ts';
import { root } from '../source-files.ts';
import { dotModel } from './dotModel.ts';

mkdirSync(join(root, 'node_modules', '.cache'), { recursive: true });
const folder = mkdtempSync(join(root, 'node_modules', '.cache', 'wasm-artifact-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Writes an artifact into a folder of its own. */
async function write(name: string, options: WasmOptions, names?: Parameters<typeof dotModel>[0]) {
  const model = dotModel(names);
  const artifact = await emitWasm(model.module, options);
  const at = join(folder, name);
  mkdirSync(at);
  for (const [path, bytes] of artifact.files) writeFileSync(join(at, path), bytes);
  writeFileSync(join(at, 'package.json'), '{"type": "module"}');
  return { ...model, ...artifact, at };
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe('a wasm artifact', () => {
  it('is the same bytes every time', async () => {
    const [a, b] = [await emitWasm(dotModel().module), await emitWasm(dotModel().module)];
    expect([...a.files.keys()]).toEqual(['model.wasm', 'model.js', 'model.d.ts']);
    for (const [path, bytes] of a.files) expect(bytes, path).toEqual(b.files.get(path));
    expect(a.report).toEqual(b.report);
  });

  it('says what the manifest needs', async () => {
    const { report, files } = await emitWasm(dotModel().module);
    expect(report).toMatchObject({
      format: 1,
      signature: {
        inputs: [
          { name: 'c', dtype: 'i32', shape: [8] },
          { name: 'a', dtype: 'i8', shape: [32] },
        ],
        outputs: [
          { name: 'sums', dtype: 'i32', shape: [8] },
          { name: 'doubles', dtype: 'i32', shape: [8] },
        ],
      },
      arenaBytes: 0,
      weightsBytes: 96,
      memoryBytes: 65536,
      kernels: [
        { name: 'portable', relaxed: 'relaxed' },
        { name: 'double', source: 'a node' },
      ],
    });
    expect((files.get('model.wasm')?.byteLength as number) - report.codeBytes).toBeLessThan(96 + 16);
  });

  it('is valid by another implementation, its relaxed part too, and has the features it says and no others', async () => {
    const wabt = await createWabt();
    type Read = (
      bytes: Uint8Array,
      options: object,
    ) => { validate(features: object): void; toText(options: object): string };
    const readWasm = wabt.readWasm as unknown as Read;
    const features = { simd: true, sat_float_to_int: true, sign_extension: true, mutable_globals: true };
    const { files } = await emitWasm(dotModel().module);
    const wasm = files.get('model.wasm') as Uint8Array<ArrayBuffer>;
    readWasm(wasm, { ...features, readDebugNames: false }).validate(features);
    const [relaxed] = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), 'qc.relaxed');
    const read = (more: object) => {
      const module = readWasm(new Uint8Array(relaxed as ArrayBuffer), {
        ...features,
        ...more,
        readDebugNames: false,
      });
      module.validate({ ...features, ...more });
      return module.toText({});
    };
    expect(read({ relaxed_simd: true })).toContain('i32x4.relaxed_dot_i8x16_i7x16_add_s');
    expect(() => read({})).toThrow();
  });

  it.each([
    ['inline', {}],
    ['external', { weights: 'external', name: 'net' }],
    ['single', { singleFile: true }],
  ] as const)('runs in this process with %s weights', async (_, options) => {
    const { module, c, a, sums, doubles } = dotModel();
    const { files } = await emitWasm(module, options);
    const model = await instantiateWasm(files);
    expect(model.run({ c, a })).toEqual({ sums, doubles });
  });

  it.each([
    ['beside', {}],
    ['apart', { weights: 'external' }],
    ['within', { singleFile: true }],
  ] as const)('finds its files by itself: module %s', async (name, options) => {
    const { at, c, a, sums } = await write(name, options);
    const { load } = await import(/* @vite-ignore */ `file://${at}/model.js`);
    expect((await load()).run({ c, a }).sums).toEqual(sums);
  });

  it('refuses weights of another size', async () => {
    const { files } = await emitWasm(dotModel().module, { weights: 'external' });
    files.set('model.bin', new Uint8Array(95));
    await expect(instantiateWasm(files)).rejects.toThrow('the weights have 95 bytes; the model needs 96');
  });

  it('holds the runtime as it is now', () => {
    for (const [path, expected] of runtimeStrings()) {
      expect(readFileSync(join(root, path), 'utf8'), `${path}: run node scripts/runtime-strings.ts`).toBe(expected);
    }
  });
});

describe('the loaded model', () => {
  const load = async (options = {}) => {
    const made = dotModel();
    return { ...made, model: await instantiateWasm((await emitWasm(made.module)).files, options) };
  };

  it('gives fresh arrays, or writes into those it is given', async () => {
    const { model, c, a, sums, doubles } = await load();
    const first = model.run({ c, a });
    const into = { doubles: new Int32Array(8) };
    const second = model.run({ c: new Int32Array(8), a }, { into });
    expect(first).toEqual({ sums, doubles });
    expect(second.doubles).toBe(into.doubles);
    expect(into.doubles).toEqual(doubles.map((v, i) => v - 2 * (c[i] as number)));
    expect(second.sums).not.toBe(first.sums);
  });

  it('runs on its own memory without copies', async () => {
    const { model, c, a, sums } = await load();
    model.views.inputs.c?.set(c as never);
    model.views.inputs.a?.set(a as never);
    model.execute();
    expect(model.views.outputs.sums).toEqual(sums);
  });

  it.each([
    [{ a: new Int8Array(32) }, 'input "c" is missing'],
    [{ c: new Int32Array(8), a: new Int8Array(31) }, 'input "a" has 31 elements; its shape 32 has 32'],
    [{ c: new Float32Array(8), a: new Int8Array(32) }, 'input "c" must be a Int32Array (i32), not Float32Array'],
    [{ c: [1, 2], a: new Int8Array(32) }, 'input "c" must be a Int32Array (i32), not an array'],
    [{ c: new Int32Array(8), b: new Int8Array(32) }, 'there is no input "b"; the model has "c", "a"'],
    [new Int8Array(32), 'run takes an object with an array for each input'],
  ])('explains wrong inputs: %#', async (inputs, message) => {
    const { model } = await load();
    expect(() => model.run(inputs as never)).toThrow(message);
  });

  it('explains wrong places for outputs', async () => {
    const { model, c, a } = await load();
    expect(() => model.run({ c, a }, { into: { sums: new Int32Array(7) } })).toThrow('output "sums" has 7 elements');
    expect(() => model.run({ c, a }, { into: { sum: new Int32Array(8) } })).toThrow('there is no output "sum"');
  });

  it('takes the baseline quietly where nothing may be compiled', async () => {
    const { module, c, a, sums, doubles } = dotModel();
    const { files } = await emitWasm(module);
    const compiled = await WebAssembly.compile(files.get('model.wasm') as Uint8Array<ArrayBuffer>);
    const { load: loadModel } = await import(`data:text/javascript,${encodeURIComponent(text(files.get('model.js')))}`);
    vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new WebAssembly.CompileError('not allowed here'));
    const model = await loadModel({ wasm: compiled });
    expect(model.simd).toBe('baseline');
    expect(model.run({ c, a })).toEqual({ sums, doubles });
    await expect(loadModel({ wasm: compiled, simd: 'relaxed' })).rejects.toThrow("relaxed SIMD can't be used");
    await expect(loadModel({ wasm: compiled, simd: 'fast' })).rejects.toThrow('not "fast"');
  });

  it.each(['application/wasm', 'application/octet-stream'])('loads from a response of type %s', async (type) => {
    const { module, c, a, sums } = dotModel();
    const { files } = await emitWasm(module);
    const { load: loadModel } = await import(`data:text/javascript,${encodeURIComponent(text(files.get('model.js')))}`);
    const wasm = new Response(files.get('model.wasm') as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': type },
    });
    const model = await loadModel({ wasm: Promise.resolve(wasm) });
    expect(model.run({ c, a }).sums).toEqual(sums);
  });
});

describe('names from the model', () => {
  const names = {
    c: '__proto__',
    a: 'a "b" \\ `\u0024{c}` </script> */',
    sums: 'constructor',
    doubles: 'naïve\u2028名',
  };

  it('are data, not code', async () => {
    const { at, files, c, a, sums, doubles } = await write('names', {}, names);
    expect(text(files.get('model.js'))).not.toContain('</script');
    const { load } = await import(/* @vite-ignore */ `file://${at}/model.js`);
    const model = await load();
    const inputs = Object.fromEntries([
      [names.c, c],
      [names.a, a],
    ]);
    const out = model.run(inputs);
    expect(Object.keys(out)).toEqual([names.sums, names.doubles]);
    expect(out[names.sums]).toEqual(sums);
    expect(out[names.doubles]).toEqual(doubles);
    expect(model.signature.inputs.map((one: { name: string }) => one.name)).toEqual([names.c, names.a]);
  });

  it('type-check', async () => {
    const { at } = await write('types', {}, names);
    const q = JSON.stringify;
    writeFileSync(
      join(at, 'use.ts'),
      `import { load, type Model } from './model.js';
const model: Model = await load({ simd: 'baseline' });
const out = model.run({ [${q(names.c)}]: new Int32Array(8), ${q(names.a)}: new Int8Array(32) });
export const sums: Int32Array = out[${q(names.sums)}];
export const eight: 8 = model.signature.inputs[0].shape[0];
// @ts-expect-error an input of the wrong type
model.run({ [${q(names.c)}]: new Float32Array(8), ${q(names.a)}: new Int8Array(32) });
// @ts-expect-error a missing input
model.run({ ${q(names.a)}: new Int8Array(32) });
`,
    );
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--ignoreConfig', 'use.ts'];
    const compile = () => execFileSync(join(root, 'node_modules/.bin/tsc'), options, { cwd: at, encoding: 'utf8' });
    expect(compile).not.toThrow();
  });
});

describe('other engines', () => {
  const nodes = [
    ['node', []],
    ['node22', []],
    ['node20', []],
    ['node20', ['--experimental-wasm-relaxed-simd']],
    ['node', ['--no-enable-avx-vnni']],
  ] as const;

  for (const [engine, flags] of nodes) {
    const binary = join(root, 'node_modules', engine, 'bin', 'node');
    describe.skipIf(!existsSync(binary))(`${[engine, ...flags].join(' ')}, from the package ${engine}`, () => {
      it('gives the same numbers by whichever path it takes', async () => {
        const { at, c, a, sums, doubles } = await write(`${engine}${flags.length}${flags[0] ?? ''}`, {});
        writeFileSync(
          join(at, 'main.js'),
          `import { load } from './model.js';
const inputs = { c: Int32Array.of(${c}), a: Int8Array.of(${a}) };
const found = [];
for (const simd of ['auto', 'baseline', 'relaxed']) {
  try {
    const model = await load({ simd });
    const { sums, doubles } = model.run(inputs);
    found.push({ simd: model.simd, sums: [...sums], doubles: [...doubles] });
  } catch (error) {
    found.push(error.message);
  }
}
console.log(JSON.stringify(found));
`,
        );
        const output = execFileSync(binary, [...flags, 'main.js'], { cwd: at, encoding: 'utf8' });
        const [auto, baseline, relaxed] = JSON.parse(output);
        const expected = { sums: [...sums], doubles: [...doubles] };
        expect(auto).toMatchObject(expected);
        expect(baseline).toEqual({ simd: 'baseline', ...expected });
        if (auto.simd === 'relaxed') expect(relaxed).toEqual(auto);
        else expect(relaxed).toMatch(/^relaxed SIMD can't be used: .*(missing or not exact)/);
        if (engine === 'node20') expect(auto.simd).toBe('baseline');
      });
    });
  }
});
