import { readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cScalarTarget, cTarget } from '../../backends/c/target.ts';
import { registry } from '../../dialects/index.ts';
import { runC } from '../../src/cli/host/c.ts';
import { parse } from '../../src/text/index.ts';
import { missing } from '../c/program.ts';
import { cases } from '../differential/cases.ts';
import { planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';

const strict = ['-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror'];
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover'];
const cpuFlags = new Set(/^flags\s*:(.*)$/m.exec(cpuInfo())?.[1]?.split(' ') ?? []);

function cpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

/**
 * A way of compiling generated C, and the instructions without which it does not run. Lanes one by one are not
 * optimized here: with sanitizers that takes compilers twenty times as long, and machines.test.ts does it without.
 */
interface Level {
  readonly name: string;
  readonly flags: readonly string[];
  readonly needs: readonly string[];
}

const levels: readonly Level[] = [
  { name: 'no vectors', flags: ['-O0', '-DQC_PLAIN'], needs: [] },
  { name: "the compiler's default", flags: ['-O1'], needs: [] },
  { name: 'SSE4.1', flags: ['-O1', '-msse4.1'], needs: ['sse4_1'] },
  { name: 'AVX2', flags: ['-O1', '-march=haswell'], needs: ['avx2', 'fma'] },
  { name: 'AVX-512 VNNI', flags: ['-O1', '-march=icelake-server'], needs: ['avx512_vnni', 'avx512bw', 'gfni', 'vaes'] },
];

const all = process.env.QC_FULL !== undefined;
const noCompiler = missing('cc');

levels.forEach(({ name, flags, needs }, l) => {
  const absent = needs.filter((flag) => !cpuFlags.has(flag));
  const why = noCompiler || (absent.length > 0 ? ` (this processor has no ${absent.join(', ')})` : '');
  describe.skipIf(why)(`the differential cases as C for ${name}, under sanitizers${why}`, () => {
    const sampled = cases.filter((_, i) => all || i % levels.length === l);
    it.each(sampled)('$name', async ({ text, tolerance = 0 }) => {
      const inputs = seededInputs(parse(text, { registry }), 11);
      const artifact = emitC(await planned(text, cTarget), { name: 'net' });
      const actual = runC(artifact, inputs, { flags: [...flags, ...strict, ...sanitizers] });
      expectSame(actual, reference(text, inputs), tolerance);
    });
  });
});

describe.skipIf(noCompiler)(`the differential cases as C of scalars, under sanitizers${noCompiler}`, () => {
  it.each(cases.filter((_, i) => all || i % 3 === 0))('$name', async ({ text, tolerance = 0 }) => {
    const inputs = seededInputs(parse(text, { registry }), 11);
    const artifact = emitC(await planned(text, cScalarTarget), { name: 'net' });
    const actual = runC(artifact, inputs, { flags: ['-O0', ...sanitizers] });
    expectSame(actual, reference(text, inputs), tolerance);
  });
});
