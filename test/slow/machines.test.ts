import { describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cScalarTarget, cTarget } from '../../backends/c/target.ts';
import { registry } from '../../dialects/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import type { Target } from '../../src/target/index.ts';
import { parse } from '../../src/text/index.ts';
import { assemblyOf, runBatch } from '../c/batch.ts';
import { machines, missingFor } from '../c/machines.ts';
import { type Case, cases } from '../differential/cases.ts';
import { planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';

const kinds: readonly { readonly name: string; readonly target: Target }[] = [
  { name: 'vectors where the compiler has them', target: cTarget },
  { name: 'scalars', target: cScalarTarget },
];

/** Of each kind, every case runs on one machine, by turns, or every fourth where it is slow; with QC_FULL on all. */
const all = process.env.QC_FULL !== undefined;
const isDrawn = (index: number, turn: number, isSlow: boolean) =>
  all || index % (isSlow ? 4 * machines.length : machines.length) === turn;

interface Drawn {
  readonly one: Case;
  readonly inputs: readonly HostTensor[];
}

const drawn = (turn: number, isSlow: boolean): Drawn[] =>
  cases
    .filter((_, i) => isDrawn(i, turn, isSlow))
    .map((one) => ({ one, inputs: seededInputs(parse(one.text, { registry }), 11) }));

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
    it.skipIf(!machine.multiplies)('multiplies codes by its own instruction', async () => {
      const artifact = emitC(await planned(product.text, cTarget), { name: 'net' });
      expect(assemblyOf(machine, artifact)).toMatch(machine.multiplies as RegExp);
    });

    kinds.forEach(({ name, target }, k) => {
      it(`as C of ${name}`, async () => {
        const isSlow = k === 0 && !machine.hasVectors;
        const batch = drawn(m, isSlow);
        const entries = await Promise.all(
          batch.map(async ({ one, inputs }, i) => ({
            artifact: emitC(await planned(one.text, target), { name: `net${i}` }),
            inputs,
          })),
        );
        const outputs = runBatch(machine, entries, isSlow ? '-O1' : '-O2');
        expect(batch.filter((one, i) => differs(outputs[i] as HostTensor[], one)).map(({ one }) => one.name)).toEqual(
          [],
        );
      });
    });
  });
});
