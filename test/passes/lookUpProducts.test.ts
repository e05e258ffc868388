import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpus } from '../../backends/c/cpus.ts';
import { emitC } from '../../backends/c/emit.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { sumTables } from '../../dialects/int/sumTables.ts';
import { explainLaunches } from '../../src/api/explain/launches.ts';
import { runC } from '../../src/cli/host/c.ts';
import { runPipeline } from '../../src/index.ts';
import type { Target } from '../../src/target/index.ts';
import { parse } from '../../src/text/index.ts';
import { missing } from '../c/program.ts';
import { planned, reference, runKernels, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';
import { storedCases } from '../differential/storedCases.ts';
import { ways } from '../differential/ways.ts';

const haswell = cpus.haswell.target;
const wasm: Target = { ...wasmTarget, lookUpBits: 4 };

/** Sums of one row or two by codes of at most 4 bits, which must be equal. */
const looked = storedCases.filter(({ name }) => /^codes by [iu][234]\b.*, [12]·.*sums$/.test(name));

async function tablesIn(text: string, target: Target): Promise<number> {
  const module = parse(text, { registry });
  await runPipeline(module, 'look-up-products', { target });
  return [...module.main.body.ops()].filter((op) => sumTables.is(op)).length;
}

describe('look-up-products', () => {
  it.each(looked)('$name: the sums of the products', async ({ text }) => {
    expect(await tablesIn(text, haswell)).toBe(1);
    const inputs = seededInputs(parse(text, { registry }), 11);
    const wanted = reference(text, inputs);
    const module = await planned(text, haswell);
    for (const variant of [undefined, 'avx2']) expectSame(runKernels(module, inputs, haswell, variant), wanted, 0);
    for (const { run } of ways.filter(({ name }) => name.startsWith('wasm'))) {
      expectSame(await run(await planned(text, wasm), inputs), wanted, 0);
    }
  });

  it('is for weights of few bits, in groups whose sums stay in bytes, by few rows, on targets that are faster so', async () => {
    const named = (part: string) => storedCases.find(({ name }) => name.startsWith('codes by') && name.includes(part));
    const counts = ['i5, groups of 32, 1·', 'i4, groups of 32, 13·', 'u4 levels'].map((part) =>
      tablesIn(named(part)?.text ?? '', haswell),
    );
    expect(await Promise.all(counts)).toEqual([0, 0, 0]);
    expect(await tablesIn(looked[0]?.text ?? '', cpus['icelake-server'].target)).toBe(0);
  });

  it('is what reports name in place of an instruction', async () => {
    const launches = explainLaunches(await planned(looked[0]?.text ?? '', haswell), haswell);
    expect(launches.map(({ instruction }) => instruction)).toEqual([undefined, undefined, 'look_up']);
  });

  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
  const absent = missing('cc') || (flags.has('avx2') && flags.has('fma') ? '' : ' (this processor has no AVX2)');
  it.skipIf(absent)(`gives the same sums in C${absent}`, async () => {
    for (const { text } of looked.slice(-1)) {
      const inputs = seededInputs(parse(text, { registry }), 12);
      const artifact = emitC(await planned(text, haswell), { name: 'net', cpu: cpus.haswell });
      const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover'];
      expectSame(
        runC(artifact, inputs, { flags: ['-O1', '-march=haswell', ...sanitizers] }),
        reference(text, inputs),
        0,
      );
    }
  });
});
