import { describe, expect, it } from 'vitest';
import { storeMatrix } from '../../passes/quantize/storedWeights.ts';
import { type StoredWeights, storedWeights } from '../../src/ir/index.ts';
import { formats } from '../../src/numerics/index.ts';
import { generator } from '../../src/text/index.ts';

const { commonSteps, nearestSteps } = formats;
const next = generator(9);
const scales = Array.from({ length: 40 }, () => Math.fround(next() * 2 ** -6 + 2 ** -9));

describe('whole multiples in place of scales', () => {
  it('are f32, within half a step, and up to 255 times their unit', () => {
    const { unit, steps } = nearestSteps(scales);
    steps.forEach((step, i) => {
      expect(Math.fround(step * unit)).toBe(step * unit);
      expect(Math.abs(step * unit - (scales[i] as number))).toBeLessThanOrEqual(unit / 2);
    });
    expect(Math.max(...steps)).toBeGreaterThanOrEqual(254);
    expect(Math.max(...steps)).toBeLessThanOrEqual(255);
    expect(nearestSteps([0, 1, 0]).steps).toEqual([1, 255, 1]);
  });

  it('are found again from the scales alone, and nowhere else', () => {
    const { unit, steps } = nearestSteps(scales);
    const found = commonSteps(steps.map((step) => Math.fround(step * unit)));
    expect(found?.steps.map((step) => step * (found.unit / unit))).toEqual(steps);
    expect(commonSteps([2 ** -3, 2 ** 4, 2 ** 3])).toEqual({ unit: 2 ** -3, steps: [1, 128, 64] });
    expect(commonSteps(scales)).toBeUndefined();
    expect(commonSteps([1, 256])).toBeUndefined();
    expect(commonSteps([0.1, 0.1])).toBeUndefined();
  });

  it('are what a scheme with integer scales stores, output by output, past groups of zeros', () => {
    const [inputs, outputs] = [96, 5];
    const data = Float32Array.from({ length: inputs * outputs }, (_, i) =>
      i % outputs === 2 && i < 32 * outputs ? 0 : (next() - 0.5) * 2 ** (i % 7),
    );
    const { type } = storeMatrix(
      { dtype: 'f32', shape: [inputs, outputs], data },
      { storage: 'i4', granularity: 'group', group: 32, symmetric: true, scale: 'integer', range: 'absmax' },
    );
    const { scale, groups } = storedWeights(type, inputs, outputs) as StoredWeights;
    for (let n = 0; n < outputs; n++) {
      const ofOutput = Array.from({ length: groups }, (_, g) => scale(g, n));
      expect(commonSteps(ofOutput)).toBeDefined();
      const largest = Array.from({ length: inputs }, (_, k) => Math.abs(data[k * outputs + n] as number));
      expect(Math.max(...ofOutput) * 7).toBeCloseTo(Math.max(...largest), 1);
    }
  });
});
