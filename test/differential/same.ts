import { expect } from 'vitest';
import type { HostTensor } from '../../src/support/tensor.ts';

/** Equal shapes and integers; floats within `tolerance` of the largest magnitude (0: equal too). */
export function expectSame(actual: readonly HostTensor[], expected: readonly HostTensor[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((want, i) => {
    const got = actual[i] as HostTensor;
    expect([...got.shape]).toEqual([...want.shape]);
    if (want.dtype !== 'f32' || tolerance === 0) {
      expect([...got.data]).toEqual([...want.data]);
      return;
    }
    const [wanted, found] = [Array.from(want.data, Number), Array.from(got.data, Number)];
    const scale = wanted.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-30);
    const worst = wanted.reduce((most, v, j) => Math.max(most, Math.abs(v - (found[j] as number))), 0);
    expect(worst / scale).toBeLessThanOrEqual(tolerance);
  });
}
