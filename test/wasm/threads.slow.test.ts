import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { type Artifact, compile, importOnnx, instantiate, type Module, runPipeline } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { browserPath, crossOriginIsolation, withPage } from '../browser.ts';
import { cases } from '../differential/cases.ts';
import { outputTypes, planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';
import { type SingleInputModel, sharedModels } from '../models/singleInput.ts';

const full = process.env.QC_FULL !== undefined;
/** More than there may be processors, so that some wait for others. */
const threads = 3;

describe('threads that share every loop compute what one computes', () => {
  const some = cases.filter(({ name }, i) => full || i % 5 === 0 || name.includes('in the place'));
  it.each(some)('$name', async ({ text, tolerance = 0 }) => {
    const module = await planned(text, wasmTarget);
    await runPipeline(module, 'share-loops{least_work=0}');
    const inputs = seededInputs(parse(text, { registry }), 11);
    const model = await runWasm(module, { threads });
    const names = module.main.body.args.map((arg) => arg.name ?? '');
    const given = Object.fromEntries(inputs.map((x, i) => [names[i], x.data]));
    const [first, second] = [model.run(given), model.run(given)];
    model.close?.();
    const outputs = outputTypes(module).map(({ dtype, shape }, i) => {
      const name = module.main.resultNames[i] as string;
      expect(second[name], 'a second run').toEqual(first[name]);
      return { dtype, shape, data: first[name] as HostTensor['data'] };
    });
    expectSame(outputs, reference(text, inputs), tolerance);
  });
});

/** A model compiled for one thread and for several. */
async function both(fresh: () => Module, model: SingleInputModel, scheme: 'float' | 'w8a8'): Promise<Artifact[]> {
  const calibration = model
    .rows('calib')
    .slice(0, 4)
    .map((row) => ({ [model.input]: row }));
  const options = { target: 'wasm', scheme, dims: model.dims, ...(scheme === 'w8a8' ? { calibration } : {}) } as const;
  return [await compile(fresh(), options), await compile(fresh(), { ...options, threads: true })];
}

const models = sharedModels().filter((_, i) => full || i < 2);
if (models.length === 0) it.skip('../shared/models is absent', () => {});

describe.each(models)('$name', (model) => {
  it.each(['float', 'w8a8'] as const)(
    'answers under %s with the same bytes, whatever the number of threads',
    async (scheme) => {
      const [plain, threaded] = (await both(() => importOnnx(model.bytes), model, scheme)) as [Artifact, Artifact];
      const [row] = model.rows('dev') as [HostTensor];
      const expected = (await instantiate(plain.files)).run({ [model.input]: row });
      for (const [threads, simd] of [
        [1, 'auto'],
        [2, 'baseline'],
        [2, 'auto'],
        [5, 'auto'],
      ] as const) {
        const instance = await instantiate(threaded.files, { threads, simd });
        const wanted =
          simd === 'auto' ? expected : (await instantiate(plain.files, { simd })).run({ [model.input]: row });
        // in turn with the others and without them, and then the way that was faster
        for (let run = 0; run < (threads === 2 ? 40 : 3); run++)
          expect(instance.run({ [model.input]: row }), `${threads} threads`).toEqual(wanted);
        instance.close();
        if (threads > 1) expect(() => instance.run({ [model.input]: row })).toThrow('the model is closed');
      }
    },
  );
});

const [inPage] = models;
const missing = [...(inPage ? [] : ['../shared/models']), ...(browserPath ? [] : ['Chromium'])];

describe.skipIf(missing.length > 0)(`in a page${missing.length > 0 ? ` (needs ${missing.join(', ')})` : ''}`, () => {
  /** What a page finds that loads the program with each number of threads, and runs it on zeros. */
  async function look(headers: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
    const [plain, threaded] = (await both(
      () => importOnnx((inPage as SingleInputModel).bytes),
      inPage as SingleInputModel,
      'float',
    )) as [Artifact, Artifact];
    const input = (inPage as SingleInputModel).input;
    const script = `
      import * as plain from './plain.js';
      import * as threaded from './model.js';
      const inputs = ({ signature }) => ({ ${JSON.stringify(input)}: new Float32Array(signature.inputs[0].shape.reduce((n, d) => n * d, 1)) });
      const one = await plain.load();
      const expected = JSON.stringify(one.run(inputs(one)));
      window.found = {};
      for (const threads of ['auto', 1, 2]) {
        try {
          const model = await threaded.load({ threads });
          const same = [1, 2, 3].every(() => JSON.stringify(model.run(inputs(model))) === expected);
          window.found[threads] = { threads: model.threads, same };
          model.close();
        } catch (error) {
          window.found[threads] = error.message;
        }
      }
      window.done = true;`;
    const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
    const site: Record<string, string | Uint8Array | undefined> = {
      'index.html': '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>',
      'page.js': script,
      'model.js': text(threaded.files.get('model.js')),
      'model.wasm': threaded.files.get('model.wasm'),
      'plain.js': text(plain.files.get('model.js')).replaceAll('./model.wasm', './plain.wasm'),
      'plain.wasm': plain.files.get('model.wasm'),
    };
    return withPage(
      (path) => site[path],
      async (page) => {
        await page.waitForFunction('window.done', undefined, { timeout: 60_000 });
        return page.evaluate('window.found');
      },
      headers,
    );
  }

  it('workers share the program where the page is cross-origin isolated', async () => {
    const { auto, ...named } = await look(crossOriginIsolation);
    expect(named).toEqual({ 1: { threads: 1, same: true }, 2: { threads: 2, same: true } });
    expect(auto).toMatchObject({ same: true });
  });

  it('one thread runs it elsewhere, and says why there are no more where they are asked for', async () => {
    const { 2: two, ...others } = await look({});
    const alone = { threads: 1, same: true };
    expect(others).toEqual({ auto: alone, 1: alone });
    expect(two).toMatch(/^2 threads can't be used: memory can be shared only in pages that are cross-origin isolated/);
  });
});
