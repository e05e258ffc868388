import { describe, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cTarget } from '../../backends/c/target.ts';
import { registry } from '../../dialects/index.ts';
import { runC } from '../../src/cli/host/c.ts';
import { parse } from '../../src/text/index.ts';
import { cases } from '../differential/cases.ts';
import { planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';

describe('the differential cases as C, under the address and undefined-behaviour sanitizers', () => {
  it.each(cases)('$name', async ({ text, tolerance = 0 }) => {
    const inputs = seededInputs(parse(text, { registry }), 11);
    const artifact = emitC(await planned(text, cTarget), { name: 'net' });
    const actual = runC(artifact, inputs, { flags: ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover'] });
    expectSame(actual, reference(text, inputs), tolerance);
  });
});
