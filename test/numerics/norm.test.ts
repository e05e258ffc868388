import { describe, expect, it } from 'vitest';
import { inverseRoot, normConstants, normRow, normV } from '../../src/numerics/index.ts';
import { contractCases, f32, haveVectors, randomSource, range } from './contract.ts';

/** The real norm in f64, clamped like the codes. */
function realNorm(kind: 'layer' | 'rms', x: number[], z: number, spec: RealSpec, zy: number, lo: number, hi: number) {
  const n = x.length;
  const mean = kind === 'layer' ? x.reduce((a, b) => a + b, 0) / n : z;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
  const root = Math.sqrt(variance + spec.epsilon / spec.S ** 2);
  return x.map((xi, i) => {
    const normal = root === 0 ? 0 : (xi - mean) / root;
    const real = (normal * (spec.gamma[i] as number) + (spec.beta[i] as number)) / spec.Sy + zy;
    return Math.min(hi, Math.max(lo, real));
  });
}

interface RealSpec {
  S: number;
  epsilon: number;
  gamma: number[];
  beta: number[];
  Sy: number;
}

function specOf(row: ReturnType<typeof contractCases>[number]) {
  const [type, x, S, , epsilon, gamma, beta, Sy] = row;
  const bits = type === 'i16' ? 16 : 8;
  return {
    n: x.length,
    bits: bits as 8 | 16,
    S: f32(S),
    epsilon: f32(epsilon),
    gamma: gamma.map(f32) as number[],
    beta: beta.map(f32) as number[],
    Sy: f32(Sy),
  };
}

describe.skipIf(!haveVectors)('norms against golden vectors (../shared/conformance/formats)', () => {
  it('layer norm: every constant and every byte', () => {
    for (const row of contractCases('norm.layer')) {
      const [type, x, , z, , , , , zy, epsilon, V, k, j, R, s, m, B, out] = row;
      const constants = normConstants({ kind: 'layer', ...specOf(row) });
      expect(constants).toEqual({ kind: 'layer', t: 0, epsilon: BigInt(epsilon), k, j, s, m, B: B.map(BigInt) });
      expect(normV(x, z, constants)).toBe(BigInt(V));
      expect(inverseRoot(BigInt(V), k)).toBe(BigInt(R));
      expect(normRow(x, z, constants, zy, ...range(type))).toEqual(out);
    }
  });

  it('RMS norm: within a quantum of the real value (its y differs from the vectors, which scale by n)', () => {
    for (const row of contractCases('norm.rms')) {
      const [type, x, , z, , , , , zy] = row;
      const spec = specOf(row);
      const out = normRow(x, z, normConstants({ kind: 'rms', ...spec }), zy, ...range(type));
      const real = realNorm('rms', x, z, spec, zy, ...range(type));
      for (const [i, y] of out.entries()) expect(Math.abs(y - (real[i] as number)), `${spec.n}`).toBeLessThan(0.51);
    }
  });
});

describe('norms of long 16-bit rows', () => {
  it.each(['layer', 'rms'] as const)('%s norm shifts y where squares would pass 62 bits', (kind) => {
    const random = randomSource(5);
    const n = 4096;
    const x = Array.from({ length: n }, () => Math.floor(random() * 65536) - 32768);
    const spec = {
      S: Math.fround(0.01),
      epsilon: Math.fround(1e-5),
      gamma: x.map(() => random() * 2 - 1),
      beta: x.map(() => random() - 0.5),
      Sy: Math.fround(1 / 32),
    };
    const constants = normConstants({ kind, n, bits: 16, ...spec });
    expect(constants.t).toBeGreaterThan(kind === 'layer' ? 0 : -1);
    expect(normV(x, 0, constants) < 1n << 62n).toBe(true);
    const out = normRow(x, 0, constants, 3, -128, 127);
    const real = realNorm(kind, x, 0, spec, 3, -128, 127);
    for (const [i, y] of out.entries()) expect(Math.abs(y - (real[i] as number))).toBeLessThan(0.51);
  });
});
