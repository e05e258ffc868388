import { describe, expect, it } from 'vitest';
import { cTarget } from '../../backends/c/target.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { cases } from './cases.ts';
import { planned, reference, runKernels, seededInputs } from './run.ts';

/** Equal integers; floats within `tolerance` of the largest magnitude. */
export function expectSame(actual: readonly HostTensor[], expected: readonly HostTensor[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((want, i) => {
    const got = actual[i] as HostTensor;
    expect([...got.shape]).toEqual([...want.shape]);
    if (want.dtype !== 'f32' || tolerance === 0) {
      expect([...got.data]).toEqual([...want.data]);
      return;
    }
    const scale = want.data.reduce<number>((m, v) => Math.max(m, Math.abs(Number(v))), 1e-30);
    const worst = want.data.reduce<number>((m, v, j) => Math.max(m, Math.abs(Number(v) - Number(got.data[j]))), 0);
    expect(worst / scale).toBeLessThanOrEqual(tolerance);
  });
}

describe.each([
  { target: wasmTarget, variant: undefined },
  { target: wasmTarget, variant: 'relaxed-simd' },
  { target: cTarget, variant: undefined },
])('kernels for $target.name, $variant', ({ target, variant }) => {
  it.each(cases)('$name', async ({ text, tolerance }) => {
    const module = await planned(text, target);
    const inputs = seededInputs(parse(text, { registry }), 11);
    expectSame(runKernels(module, inputs, target, variant), reference(text, inputs), tolerance ?? 0);
  });
});
