import { describe, expect, it } from 'vitest';
import { cpus } from '../../backends/c/cpus.ts';
import { emitC } from '../../backends/c/emit.ts';
import { registry } from '../../dialects/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { assemblyOf, runBatch } from '../c/batch.ts';
import { machines, missingFor } from '../c/machines.ts';
import { type Case, cases } from '../differential/cases.ts';
import { planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';

/** Every fourth case runs on one machine, by turns, and every 16th where that is slow; with QC_FULL all on all. */
const all = process.env.QC_FULL !== undefined;
const isDrawn = (index: number, turn: number, isSlow: boolean) =>
  all || index % ((isSlow ? 16 : 4) * machines.length) === turn;

/** What is compiled at once. */
const batchSize = 40;

interface Drawn {
  readonly one: Case;
  readonly inputs: readonly HostTensor[];
}

const drawn = (turn: number, isSlow: boolean): Drawn[] =>
  cases
    .filter((_, i) => isDrawn(i, turn, isSlow))
    .map((one) => ({ one, inputs: seededInputs(parse(one.text, { registry }), 11) }));

const inBatches = (all: readonly Drawn[]): Drawn[][] =>
  Array.from({ length: Math.ceil(all.length / batchSize) }, (_, i) => all.slice(i * batchSize, (i + 1) * batchSize));

function differs(actual: readonly HostTensor[], { one, inputs }: Drawn): boolean {
  try {
    expectSame(actual, reference(one.text, inputs), one.tolerance ?? 0);
    return false;
  } catch {
    return true;
  }
}

const product = cases.find(({ name }) => name === 'i8 convolution, pointwise') as Case;

machines.forEach((machine, m) => {
  const absent = missingFor(machine);
  describe.skipIf(absent)(`the differential cases on ${machine.name}${absent}`, () => {
    const { multiplies } = machine;
    if (multiplies) {
      it('multiplies codes by its own instruction', async () => {
        const artifact = emitC(await planned(product.text, cpus.generic.target), { name: 'net' });
        expect(assemblyOf(machine, artifact)).toMatch(multiplies);
      });
    }

    for (const name of ['generic', machine.cpu] as const) {
      const cpu = cpus[name];
      const isSlow = name === 'generic' && !machine.hasVectors;
      // optimizing lanes one by one takes compilers up to a minute a case
      const slowly = all ? '-O0' : '-O1';
      const batches = inBatches(drawn(name === 'generic' ? m : m + machines.length, isSlow));
      it.each(batches.map((batch, i) => ({ batch, part: i + 1 })))(
        `as C for --cpu ${name}, part $part`,
        async ({ batch }) => {
          const entries = await Promise.all(
            batch.map(async ({ one, inputs }, i) => ({
              artifact: emitC(await planned(one.text, cpu.target), { name: `net${i}`, cpu }),
              inputs,
            })),
          );
          const outputs = runBatch(machine, entries, isSlow ? slowly : '-O2');
          const wrong = batch.filter((one, i) => differs(outputs[i] as HostTensor[], one));
          expect(wrong.map(({ one }) => one.name)).toEqual([]);
        },
      );
    }
  });
});
