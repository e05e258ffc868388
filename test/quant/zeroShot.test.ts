import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { zeroShotSamples } from '../../src/api/zeroShot.ts';
import { gaussianField } from '../../src/calibrate/zeroShot/field.ts';
import { Random } from '../../src/calibrate/zeroShot/random.ts';
import { type Module, tensor } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { GraphBuilder, wave } from './graphs.ts';

const moments = (data: ArrayLike<number>) => {
  const values = Array.from(data);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length };
};

/** A batch normalization right behind the input, whose statistics are those of an input of this mean and deviation. */
function normalized(mean: number, deviation: number): Module {
  const g = new GraphBuilder([1, 3, 16, 16]);
  const all = (value: number) => g.constant([3], [value, value, value]);
  const operands = [g.x, all(1), all(0), all(mean), all(deviation ** 2)];
  const y = g.op(nn.batchNorm, operands, { epsilon: 1e-5 });
  return g.finish(
    g.op(nn.conv, [y, g.constant([4, 3, 1, 1], wave(12))], {
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      group: 1,
    }),
  );
}

describe('zero-shot samples', () => {
  it('are noise of mean 0 and variance 1, whose neighbours are alike where windows are wide', () => {
    const numbers = Array.from(
      { length: 20_000 },
      (
        (random) => () =>
          random.gaussian()
      )(new Random(3)),
    );
    expect(moments(numbers).mean).toBeCloseTo(0, 1);
    expect(moments(numbers).variance).toBeCloseTo(1, 1);
    const steps = [0, 0.25].map((width) => {
      const field = gaussianField([1, 3, 32, 32], width, new Random(5));
      expect(moments(field).mean).toBeCloseTo(0, 6);
      expect(moments(field).variance).toBeCloseTo(1, 6);
      return moments(field.subarray(1).map((x, i) => x - (field[i] as number))).variance;
    });
    expect(steps[1]).toBeLessThan(0.2 * (steps[0] as number));
  });

  it('are the same each time, and lie within what callers pass', async () => {
    const format = { input: 'x', dtype: 'u8', scale: [1 / 127.5], offset: [-1], layout: 'model' } as const;
    const [a, b] = await Promise.all(
      [1, 2].map(() => zeroShotSamples(normalized(0, 1), { formats: [format], samples: 8 })),
    );
    expect([...(a ?? [])]).toEqual([...(b ?? [])]);
    const values = [...(a ?? [])].flatMap(({ x }) => Array.from((x as HostTensor).data as Float32Array));
    expect(values.length).toBe(8 * 768);
    const [least, most] = [values.reduce((p, q) => Math.min(p, q)), values.reduce((p, q) => Math.max(p, q))];
    expect(least).toBe(-1);
    expect(most).toBe(1);
  });

  it.each([
    [2, 0.5],
    [-1, 3],
  ])('have the mean %d and the deviation %d that a batch normalization holds', async (mean, deviation) => {
    const lines: string[] = [];
    const samples = await zeroShotSamples(normalized(mean, deviation), {
      samples: 16,
      report: (line) => lines.push(line),
    });
    const seen = moments([...samples].flatMap(({ x }) => Array.from((x as HostTensor).data as Float32Array)));
    expect(Math.abs(seen.mean - mean)).toBeLessThan(0.5 * deviation);
    expect(Math.sqrt(seen.variance) / deviation).toBeGreaterThan(0.6);
    expect(Math.sqrt(seen.variance) / deviation).toBeLessThan(1.6);
    const [, before = 0, after = 0] = (lines[0]?.match(/normalizations ([\d.]+), then ([\d.]+)/) ?? []).map(Number);
    expect(after).toBeLessThan(0.2 * before);
  });

  it('pick any row of a table, and are 1 where whole numbers mean something else', async () => {
    const g = new GraphBuilder([1]);
    g.module.main.body.addArgument(tensor([1, 64], 'i64'), 'ids');
    g.module.main.body.addArgument(tensor([1, 64], 'i64'), 'mask');
    const [, given, other] = g.module.main.body.args;
    const rows = g.op(nn.gather, [g.constant([10, 4], wave(40)), given], { axis: 0 });
    const weights = g.op(nn.reshape, [g.op(nn.cast, [other], { to: 'f32' })], { shape: [1, 64, 1] });
    const samples = await zeroShotSamples(g.finish(g.op(nn.mul, [rows, weights])), { samples: 4 });
    const all = (name: string) => [...samples].flatMap((one) => Array.from(one[name]?.data as BigInt64Array, Number));
    expect([...new Set(all('ids'))].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(all('mask'))).toEqual(new Set([1]));
  });
});
