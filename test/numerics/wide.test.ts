import { describe, expect, it } from 'vitest';
import {
  interpolate,
  interpolated,
  probabilities,
  rootMultiplier,
  rootOf,
  tableEntry,
  tableFunctions,
  wideExp,
  wideExponential,
} from '../../src/numerics/index.ts';

const codes = { zeroPoint: 0, qmin: -32768, qmax: 32767 };

describe('functions of 16-bit codes', () => {
  it.each([
    ['sigmoid', 8 / 32767, 1 / 32767],
    ['tanh', 6 / 32767, 1 / 32767],
    ['gelu', 5 / 32767, 5 / 32767],
    ['silu', 12 / 32767, 12 / 32767],
    ['sqrt', 1 / 32767, 1 / 32767],
    ['exp', 1 / 3000, 2 ** -3],
  ] as const)(
    '%s: every code within 1 of the exact one; where it is smooth, few are another, by few knots',
    (name, S, Sy) => {
      const output = { ...codes, scale: Math.fround(Sy) };
      const input = { scale: Math.fround(S) };
      const pieces = interpolate(tableFunctions[name], input, output);
      let [worst, others] = [0, 0];
      for (let x = -32768; x < 32768; x++) {
        const exact = tableEntry(tableFunctions[name], input.scale * x, output);
        const error = Math.abs(interpolated(pieces, x, output) - exact);
        worst = Math.max(worst, error);
        if (error > 0) others++;
      }
      expect(worst).toBeLessThanOrEqual(1);
      expect(pieces.knots.length).toBe(65536 / 2 ** pieces.r + 1);
      if (name === 'sqrt' || name === 'exp') return;
      expect(pieces.r).toBeGreaterThanOrEqual(7);
      expect(others / 65536).toBeLessThan(0.004);
    },
  );

  it('is exact where no pieces are close enough', () => {
    const output = { ...codes, scale: 2 ** -15 };
    const poles = { value: (x: number) => (Math.abs(x * 4096) % 3 === 0 ? Number.POSITIVE_INFINITY : -1) };
    const table = interpolate(poles, { scale: 2 ** -12 }, output);
    expect(table.r).toBe(0);
    expect([-32767, -3, -1, 0, 1, 3].map((x) => interpolated(table, x, output))).toEqual([
      -32768, 32767, -32768, 32767, -32768, 32767,
    ]);
  });
});

describe('softmax of 16-bit scores', () => {
  it('comes within 2 steps of 2^−15 of the real one', () => {
    const S = Math.fround(24 / 32767);
    const tables = wideExponential(S);
    const scores = Array.from({ length: 200 }, (_, i) => ((i * 7919) % 60000) - 30000);
    const most = Math.max(...scores);
    const p = probabilities(scores.map((x) => wideExp(tables, most - x)));
    const exact = scores.map((x) => Math.exp((x - most) * S));
    const sum = exact.reduce((a, b) => a + b, 0);
    exact.forEach((e, i) => {
      expect(Math.abs((p[i] as number) - (e / sum) * 32768)).toBeLessThanOrEqual(2);
    });
  });
});

describe('square roots of 32-bit codes', () => {
  it('round the real root to the nearest code, ties up', () => {
    const [S, Sy] = [Math.fround(3e-7), Math.fround(2e-4)];
    const factor = rootMultiplier(S, Sy);
    for (let i = 0; i < 2000; i++) {
      const x = Math.floor((i / 2000) ** 3 * 2 ** 30);
      // y is right when (2y − 1)² ≤ 4·x·m·2^−s < (2y + 1)²
      const y = BigInt(rootOf(x, factor, 0, -32768, 32767));
      const square = 4n * BigInt(x) * BigInt(factor.m);
      const bound = (odd: bigint) => (odd * odd) << BigInt(factor.s);
      if (y < 32767n) expect(square < bound(2n * y + 1n), `${x}`).toBe(true);
      if (y > 0n) expect(square >= bound(2n * y - 1n), `${x}`).toBe(true);
    }
    expect(rootOf(-5, factor, 3, -32768, 32767)).toBe(3);
  });
});
