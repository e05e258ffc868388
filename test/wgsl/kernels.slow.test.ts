import { afterAll, describe, it } from 'vitest';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { registry } from '../../dialects/index.ts';
import { parse } from '../../src/text/index.ts';
import { cases } from '../differential/cases.ts';
import { choosesByData, planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';
import { device, missingWebGpu, runOnDawn } from './dawn.ts';

/** A driver on the CPU takes seconds to compile a shader: a quick run takes every third case. */
const chosen = cases.filter((_, i) => process.env.QC_FULL || i % 3 === 0);

describe.skipIf(missingWebGpu)(`kernels in WGSL${missingWebGpu}`, () => {
  afterAll(async () => (await device()).device.destroy());

  it.each(chosen)('$name', async ({ text, tolerance = 0 }) => {
    const inputs = seededInputs(parse(text, { registry }), 11);
    const module = await planned(text, wgslTarget);
    // refused, as test/wgsl/shaders.test.ts checks
    if (choosesByData(module)) return;
    expectSame(await runOnDawn(module, inputs), reference(text, inputs), Math.max(tolerance, tolerance && 2e-5));
  });
});
