import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor, pipelines } from '../../passes/pipelines.ts';
import { interpret } from '../../src/interpret/index.ts';
import { type Module, verifyModule } from '../../src/ir/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import { bytesOfTensor, type HostTensor } from '../../src/support/tensor.ts';
import { exposeIntegers } from '../models/integerResults.ts';
import { run, transform } from './graphs.ts';
import { build, type RandomNetwork, randomNetwork, sample } from './randomGraphs.ts';

/** What a quantized layer reads through a pad also goes to a float concat, beside a value that stays float. */
const padReadInFloat: RandomNetwork = {
  shape: [1, 1, 1],
  values: 'wave',
  layers: [
    { kind: 'conv', seed: 744, choice: 0 },
    { kind: 'pad', seed: 1, choice: 0 },
    { kind: 'conv', seed: 1, choice: 23 },
    { kind: 'concat', seed: 1, choice: 0 },
  ],
};

const w8a8 = (pipelines.w8a8 as readonly string[]).join(',');
const runs = process.env.QC_FULL ? 2000 : 150;

async function quantized(network: RandomNetwork): Promise<Module> {
  const module = build(network);
  await transform(
    module,
    w8a8,
    [1, 2, 3].map((seed) => sample(network, seed)),
  );
  verifyModule(module);
  return module;
}

/** Root of the mean squared error, as a share of the largest magnitude. */
function relativeError(reference: readonly number[], actual: readonly number[]): number {
  const largest = reference.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const squares = reference.reduce((sum, v, i) => sum + (v - (actual[i] as number)) ** 2, 0);
  return largest === 0 ? Math.sqrt(squares) : Math.sqrt(squares / reference.length) / largest;
}

describe('w8a8 on random graphs', () => {
  it('never fails, and stays close to float', { timeout: 120_000 }, async () => {
    const errors: number[] = [];
    const property = fc.asyncProperty(randomNetwork, async (network) => {
      const x = sample(network, 2);
      const [reference, actual] = [run(build(network), x), run(await quantized(network), x)];
      expect(actual.every(Number.isFinite)).toBe(true);
      errors.push(relativeError(reference, actual));
    });
    await fc.assert(property, { numRuns: runs, examples: [[padReadInFloat]] });
    // A few networks cancel what they have summed, and leave little but the rounding of 8 bits.
    errors.sort((a, b) => a - b);
    expect(errors[Math.floor(0.5 * errors.length)]).toBeLessThan(0.01);
    expect(errors[Math.floor(0.95 * errors.length)]).toBeLessThan(0.05);
  });

  it('gives the same bytes in wasm, layer for layer', { timeout: 120_000 }, async () => {
    const lowering = pipelineFor('w8a8').slice(w8a8.length + 1);
    const property = fc.asyncProperty(randomNetwork, fc.integer({ min: 1, max: 99 }), async (network, seed) => {
      const module = await quantized(network);
      const names = exposeIntegers(module, 'codes');
      const x = sample(network, seed);
      const expected = interpret(module, { x });
      const context = { target: wasmTarget, report: () => {} };
      await runPipeline(module, lowering, { passes: allPasses, registry, context });
      const actual = (await runWasm(module)).run({ x: x.data as Float32Array });
      for (const name of names) {
        const tensor = expected[name] as HostTensor;
        const data = actual[name] as typeof tensor.data;
        expect(bytesOfTensor({ ...tensor, data }), name).toEqual(bytesOfTensor(tensor));
      }
    });
    await fc.assert(property, { numRuns: Math.ceil(runs / 5) });
  });
});
