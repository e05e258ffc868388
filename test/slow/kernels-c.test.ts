import { describe, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cScalarTarget, cTarget } from '../../backends/c/target.ts';
import { registry } from '../../dialects/index.ts';
import { runC } from '../../src/cli/host/c.ts';
import { parse } from '../../src/text/index.ts';
import { instructionsFor, missingInstructions } from '../c/machines.ts';
import { missing, warnings } from '../c/program.ts';
import { cases } from '../differential/cases.ts';
import { planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';

/** Nothing is optimized: compilers take up to thirty times as long then. test/slow/machines.test.ts does that, without. */
const sanitizers = ['-O0', '-fsanitize=address,undefined', '-fno-sanitize-recover'];

/** A way of compiling generated C, and the instructions without which it does not run. */
interface Level {
  readonly name: string;
  readonly flags: readonly string[];
  readonly needs: readonly string[];
}

const levels: readonly Level[] = [
  { name: 'no vectors', flags: ['-DQC_PLAIN'], needs: [] },
  { name: "the compiler's default", flags: [], needs: [] },
  { name: 'SSE4.1', flags: ['-msse4.1'], needs: instructionsFor.sse41 },
  { name: 'AVX2', flags: ['-march=haswell'], needs: instructionsFor.avx2 },
  { name: 'AVX-512 VNNI', flags: ['-march=icelake-server'], needs: instructionsFor.avx512 },
];

const all = process.env.QC_FULL !== undefined;
const noCompiler = missing('cc');

levels.forEach(({ name, flags, needs }, l) => {
  const why = noCompiler || missingInstructions(needs);
  describe.skipIf(why)(`the differential cases as C for ${name}, under sanitizers${why}`, () => {
    const sampled = cases.filter((_, i) => all || i % levels.length === l);
    it.each(sampled)('$name', async ({ text, tolerance = 0 }) => {
      const inputs = seededInputs(parse(text, { registry }), 11);
      const artifact = emitC(await planned(text, cTarget), { name: 'net' });
      const actual = runC(artifact, inputs, { flags: [...warnings, ...flags, ...sanitizers] });
      expectSame(actual, reference(text, inputs), tolerance);
    });
  });
});

describe.skipIf(noCompiler)(`the differential cases as C of scalars, under sanitizers${noCompiler}`, () => {
  it.each(cases.filter((_, i) => all || i % 3 === 0))('$name', async ({ text, tolerance = 0 }) => {
    const inputs = seededInputs(parse(text, { registry }), 11);
    const artifact = emitC(await planned(text, cScalarTarget), { name: 'net' });
    const actual = runC(artifact, inputs, { flags: sanitizers });
    expectSame(actual, reference(text, inputs), tolerance);
  });
});
