import { beforeAll, describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { transform } from '../../src/api/compile.ts';
import { bindDimensions } from '../../src/api/dimensions.ts';
import { stagesFor } from '../../src/api/pipeline.ts';
import { copyModule } from '../../src/api/read.ts';
import { arenaOf } from '../../src/api/report/memory.ts';
import { importOnnx, interpret, type Module, parse, print, runPipeline } from '../../src/index.ts';
import { integerRange, type QuantType, quantOf, type TensorType, uniformParams } from '../../src/ir/index.ts';
import { quantizeF32 } from '../../src/numerics/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import type { Target } from '../../src/target/index.ts';
import { exposeIntegers } from './integerResults.ts';
import { dimsOf, type SharedSample, sharedModel, sharedNames, sharedSamples, symbolsOf } from './sharedSamples.ts';
import type { SingleInputModel } from './singleInput.ts';

type Named = Readonly<Record<string, HostTensor>>;

/** Where planned modules run. */
export interface Device {
  readonly target: Target;
  /** What its weights may take, and what everything else may. */
  mostBytes(): Promise<number>;
  /** The outputs by name. */
  run(module: Module, inputs: Named): Promise<Readonly<Record<string, HostTensor['data']>>>;
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
  return { codes, expected, actual: await run(module, { [model.input]: row }) };
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

/** As a share of the largest magnitude of an output. */
const floatTolerance = 1e-3;

/** A shared model planned for wasm and for a device, and inputs of it. */
async function plannedTwice(name: string, scheme: 'float' | 'int8', target: Target) {
  const samples = sharedSamples(name);
  const module = sharedModel(name, symbolsOf(name));
  const dims = dimsOf(module, samples[0] as SharedSample);
  const calibration = samples.slice(0, 2).map(({ inputs }) => inputs);
  const { kernels } = await transform(module, { dims, scheme, calibration });
  const inputs = valuesOfCodes(module, (samples[0] as SharedSample).inputs);
  const onWasm = copyModule(module);
  await runPipeline(onWasm, kernels, { target: wasmTarget });
  await runPipeline(module, kernels, { target });
  return { module, onWasm, inputs };
}

/**
 * Inputs moved to the values of their codes. A quotient that WGSL's division, which is not correctly rounded, brings to
 * the other side of a tie gives another code; equal bytes are owed from the codes on.
 */
function valuesOfCodes({ main }: Module, inputs: Named): Named {
  const moved: Record<string, HostTensor> = { ...inputs };
  for (const arg of main.body.args) {
    const [cast] = [...arg.users].filter((user) => qcast.is(user));
    const given = moved[arg.name ?? ''];
    if (!cast || !given) continue;
    const type = quantOf(cast.result.type as TensorType) as QuantType;
    const { scale, zeroPoint } = uniformParams(type) as { scale: number; zeroPoint: number };
    const [low, high] = integerRange(type.storage);
    const value = (x: number) => (quantizeF32(x, scale, zeroPoint, low, high) - zeroPoint) * scale;
    moved[arg.name ?? ''] = { ...given, data: Float32Array.from(given.data as Float32Array, value) };
  }
  return moved;
}

/** A quick run takes one. */
export const wholeModels = process.env.QC_FULL ? sharedNames : sharedNames.slice(0, 1);

/**
 * A shared model on a device beside the program for wasm, if it fits: in integers from input to output the same bytes,
 * in float near it. What it takes of the device's memory is printed.
 */
export function describeWhole(name: string, { target, mostBytes, run }: Device): void {
  it.each(['int8', 'float'] as const)(`${name} in %s, beside wasm`, { timeout: 900_000 }, async (scheme) => {
    const { module, onWasm, inputs } = await plannedTwice(name, scheme, target);
    const weights = module.facts.get('weights')?.bytes().length ?? 0;
    const arena = arenaOf(module).bytes;
    const fits = Math.max(weights, arena) <= (await mostBytes());
    const size = `${weights} bytes of weights and an arena of ${arena}`;
    console.log(`${name} in ${scheme} on ${target.name}: ${size}: ${fits ? 'fits' : 'too large'}`);
    if (!fits) return;
    const program = await runWasm(onWasm, { simd: 'baseline' });
    const expected = program.run(Object.fromEntries(Object.entries(inputs).map(([key, { data }]) => [key, data])));
    const actual = await run(module, inputs);
    for (const [output, wanted] of Object.entries(expected)) {
      const found = actual[output] as HostTensor['data'];
      expect(found.length, output).toBe(wanted.length);
      const [a, b] = [Array.from(wanted, Number), Array.from(found, Number)];
      const worst = a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);
      const largest = a.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      expect(worst, output).toBeLessThanOrEqual(scheme === 'int8' ? 0 : floatTolerance * largest);
    }
  });
}
