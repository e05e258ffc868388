import { beforeAll, describe, expect, it } from 'vitest';
import { bindDimensions } from '../../src/api/dimensions.ts';
import { stagesFor } from '../../src/api/pipeline.ts';
import { importOnnx, interpret, type Module, parse, print, runPipeline } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import type { Target } from '../../src/target/index.ts';
import { exposeIntegers } from './integerResults.ts';
import type { SingleInputModel } from './singleInput.ts';

/** Where planned modules of one input run. */
export interface Device {
  readonly target: Target;
  /** The outputs by name. */
  run(module: Module, input: string, row: HostTensor): Promise<Readonly<Record<string, HostTensor['data']>>>;
}

/** A model before kernels, as text: each run uses up a module of its own. */
async function prepared(model: SingleInputModel, scheme: 'float' | 'w8a8'): Promise<() => Module> {
  const module = importOnnx(model.bytes);
  await bindDimensions(module, model.dims);
  const rows = model.rows('calib').slice(0, 4);
  await runPipeline(module, stagesFor(scheme).model, { calibration: rows.map((row) => ({ [model.input]: row })) });
  const { text, bin } = print(module);
  return () => parse(text, bin ? { bin } : {});
}

/** The results of the interpreter and of a device, for the same row. */
async function both(model: SingleInputModel, scheme: 'float' | 'w8a8', fresh: () => Module, { target, run }: Device) {
  const row = model.rows('dev')[0];
  if (!row) throw new Error('a model without data');
  const module = fresh();
  const codes = scheme === 'w8a8' ? exposeIntegers(module, 'codes') : [];
  const expected = interpret(module, { [model.input]: row });
  await runPipeline(module, stagesFor(scheme).kernels, { target });
  return { codes, expected, actual: await run(module, model.input, row) };
}

/** A model in float, and in w8a8 with all its integers, on a device and on the interpreter. */
export function describeModel(model: SingleInputModel, device: Device): void {
  describe(model.name, () => {
    const fresh = new Map<string, () => Module>();
    beforeAll(async () => {
      for (const scheme of ['float', 'w8a8'] as const) fresh.set(scheme, await prepared(model, scheme));
    });

    it('in float is near the interpreter', async () => {
      const { expected, actual } = await both(model, 'float', fresh.get('float') as () => Module, device);
      for (const [name, { data }] of Object.entries(expected)) {
        const wanted = Array.from(data, Number);
        const worst = wanted.reduce((most, v, i) => Math.max(most, Math.abs(v - Number(actual[name]?.[i]))), 0);
        expect(worst).toBeLessThanOrEqual(1e-4 * Math.max(...wanted.map(Math.abs)));
      }
    });

    it('in w8a8 has its integers, byte by byte', async () => {
      const { codes, expected, actual } = await both(model, 'w8a8', fresh.get('w8a8') as () => Module, device);
      expect(codes.length).toBeGreaterThan(0);
      for (const name of codes)
        expect(Array.from(actual[name] as Int8Array), name).toEqual(Array.from(expected[name]?.data as Int8Array));
    });
  });
}
