import { describe, it } from 'vitest';
import { cudaTarget } from '../../backends/cuda/target.ts';
import { registry } from '../../dialects/index.ts';
import { parse } from '../../src/text/index.ts';
import { type Case, cases } from '../differential/cases.ts';
import { choosesByData, planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';
import { missingShim, runOnShim, sanitized } from './shim.ts';

/** Each case is a run of the compiler: a quick run takes few of them. */
const some = (step: number) => cases.filter((_, i) => process.env.QC_FULL || i % step === 1);

async function check({ text, tolerance = 0 }: Case, flags: readonly string[]): Promise<void> {
  const inputs = seededInputs(parse(text, { registry }), 11);
  const module = await planned(text, cudaTarget);
  // refused, as test/wgsl/shaders.test.ts checks
  if (choosesByData(module)) return;
  expectSame(runOnShim(module, inputs, { flags }), reference(text, inputs), tolerance);
}

describe.skipIf(missingShim)(`kernels in CUDA, on the CPU${missingShim}`, () => {
  it.each(some(8))('$name', (one) => check(one, ['-O1']));

  it.each(some(50))('$name, under sanitizers', (one) => check(one, sanitized));
});
