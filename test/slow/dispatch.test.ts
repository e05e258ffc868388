import { describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cTarget } from '../../backends/c/target.ts';
import { registry } from '../../dialects/index.ts';
import { runC } from '../../src/cli/host/c.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { runBatch } from '../c/batch.ts';
import { type Machine, missingFor } from '../c/machines.ts';
import { missing } from '../c/program.ts';
import { cases } from '../differential/cases.ts';
import { planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';

const isX86 = process.arch === 'x64';
const drawn = cases.filter((_, i) => (process.env.QC_FULL ? true : i % 50 === 0));

const processor = (name: string, emulator: readonly string[]): Machine => ({
  ...{ name, compiler: 'gcc', flags: [], startup: [], emulator, cpu: 'generic', hasVectors: true },
});

const processors = [
  processor('this processor', []),
  processor('a processor with AVX2', ['qemu-x86_64', '-cpu', 'Haswell']),
  processor('a processor with SSE2', ['qemu-x86_64', '-cpu', 'qemu64']),
];

processors.forEach((machine) => {
  const absent = isX86 ? missingFor(machine) : ' (needs an x86-64 machine)';
  it.skipIf(absent)(
    `one program that chooses as it runs gives the bytes of the interpreter on ${machine.name}${absent}`,
    async () => {
      const batch = drawn.map(({ text }) => seededInputs(parse(text, { registry }), 11));
      const entries = await Promise.all(
        drawn.map(async ({ text }, i) => ({
          artifact: emitC(await planned(text, cTarget), { name: `net${i}`, dispatch: true }),
          inputs: batch[i] as HostTensor[],
        })),
      );
      const outputs = runBatch(machine, entries, '-O2');
      drawn.forEach(({ text, tolerance = 0 }, i) => {
        expectSame(outputs[i] as HostTensor[], reference(text, batch[i] as HostTensor[]), tolerance);
      });
    },
  );
});

const noAssembler = missing('gcc');

describe.skipIf(noAssembler)(`weights in a file that the assembler includes${noAssembler}`, () => {
  it.each([false, true])('are those of the program (chosen as it runs: %s)', async (dispatch) => {
    if (dispatch && !isX86) return;
    const [one] = cases;
    const text = one?.text ?? '';
    const inputs = seededInputs(parse(text, { registry }), 11);
    const artifact = emitC(await planned(text, cTarget), { name: 'net', weights: 'incbin', dispatch });
    expect(artifact.files.get('net_weights.bin')?.length).toBe(artifact.signature.weightsBytes);
    expect(new TextDecoder().decode(artifact.files.get('net.c'))).not.toMatch(/net_weights\[\d/);
    const flags = ['-O1', '-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror'];
    expectSame(runC(artifact, inputs, { flags, compiler: 'gcc' }), reference(text, inputs), 0);
  });
});
