import { describe, expect, it } from 'vitest';
import {
  accumulatorToF32,
  attentionMean,
  attentionMultiplier,
  averageMultiplier,
  biasCode,
  chooseActivationParams,
  chooseDynamicParams,
  chooseWeightScales,
  dequantizeF32,
  dyadicMultiplier,
  dyadicMultiplier16,
  expRow,
  expTable,
  inverseRoot,
  quantizeF32,
  quantizeWeights,
  realMultiplier,
  reciprocal32,
  requantizeGemmlowp,
  requantizeHalfEvenF32,
  requantizeHalfUp,
  requantizeHalfUpWide,
  softmaxRow,
  softmaxTable,
  sumMultipliers,
  sumMultipliers16,
  sumRescaled,
  tableFunctions,
  unaryTable,
} from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { contractCases, f32, haveVectors, hex, range } from './contract.ts';

describe.skipIf(!haveVectors)('golden vectors of the numeric contract (../shared/conformance/formats)', () => {
  it('multiplier', () => {
    for (const [sx, sw, sy, m, s, m16, s16] of contractCases('multiplier')) {
      const scales = [f32(sx), f32(sw), f32(sy)] as const;
      if (typeof m === 'string') expect(() => dyadicMultiplier(realMultiplier(...scales))).toThrow(QcError);
      else expect(dyadicMultiplier(realMultiplier(...scales))).toEqual({ m, s });
      if (typeof m16 === 'string') expect(() => dyadicMultiplier16(realMultiplier(...scales))).toThrow(QcError);
      else expect(dyadicMultiplier16(realMultiplier(...scales))).toEqual({ m: m16, s: s16 });
    }
  });

  it('requantize half-up, 32 and 64 bits', () => {
    for (const [acc, m, s, z, qmin, qmax, y] of contractCases('requantize.half-up')) {
      expect(requantizeHalfUp(acc, m, s, z, qmin, qmax), `${acc} ${m} ${s}`).toBe(y);
    }
    for (const [acc, m, s, z, qmin, qmax, y] of contractCases('requantize.half-up-i64')) {
      expect(requantizeHalfUpWide(Number(acc), m, s, z, qmin, qmax), `${acc} ${m} ${s}`).toBe(y);
    }
  });

  it('requantize gemmlowp and half-even-f32', () => {
    for (const [acc, m, s, z, qmin, qmax, v, y] of contractCases('requantize.gemmlowp')) {
      expect(requantizeGemmlowp(acc, m, s, 0, -(2 ** 31), 2 ** 31 - 1), `${acc} ${m} ${s}`).toBe(v);
      expect(requantizeGemmlowp(acc, m, s, z, qmin, qmax), `${acc} ${m} ${s}`).toBe(y);
    }
    for (const [acc, sx, sw, sy, real, z, qmin, qmax, y] of contractCases('requantize.half-even-f32')) {
      const sReal = realMultiplier(f32(sx), f32(sw), f32(sy));
      expect(hex(sReal)).toBe(real);
      expect(requantizeHalfEvenF32(acc, sReal, z, qmin, qmax)).toBe(y);
    }
  });

  it('parameters of activations', () => {
    for (const [min, max, S, z, zu, dynamicS, dynamicZ] of contractCases('parameters.activation')) {
      const bounds = [f32(min), f32(max)] as const;
      const known = chooseActivationParams(...bounds);
      expect([hex(known.scale), known.zeroPoint, known.zeroPoint + 128], `${bounds}`).toEqual([S, z, zu]);
      if (dynamicS === null) {
        expect(() => chooseDynamicParams(...bounds)).toThrow(QcError);
      } else {
        const dynamic = chooseDynamicParams(...bounds);
        expect([hex(dynamic.scale), dynamic.zeroPoint], `${bounds}`).toEqual([dynamicS, dynamicZ]);
      }
    }
  });

  it('scales and codes of weights and biases', () => {
    for (const [bits, w, S, codes] of contractCases('parameters.weight')) {
      const weights: number[] = w.map(f32);
      const [scale = Number.NaN] = chooseWeightScales([Math.max(...weights.map(Math.abs))], bits);
      expect(hex(scale)).toBe(S);
      expect(quantizeWeights(weights, scale, bits)).toEqual(codes);
    }
    for (const [b, sx, sw, q] of contractCases('parameters.bias')) {
      const code = biasCode(f32(b), f32(sx), f32(sw));
      if (typeof q === 'string') expect(Math.abs(code)).toBeGreaterThan(2 ** 31 - 1);
      else expect(code).toBe(q);
    }
  });

  it.each(['add2', 'add3', 'subtract', 'concat', 'many', 'i16'])('sum.%s', (name) => {
    for (const [type, S, z, signs, sy, zy, s, m, x, y] of contractCases(`sum.${name}`)) {
      const scales = S.map((bits: string, i: number) => signs[i] * f32(bits));
      const multipliers = name === 'i16' ? sumMultipliers16 : sumMultipliers;
      if (typeof m === 'string' || s === 0) {
        expect(() => multipliers(scales, f32(sy))).toThrow(QcError);
        continue;
      }
      const actual = multipliers(scales, f32(sy));
      expect(actual).toEqual({ m, s });
      const codes = y.map((_: number, j: number) =>
        sumRescaled(
          x.map((operand: number[]) => operand[j]),
          z,
          actual,
          zy,
          ...range(type),
        ),
      );
      expect(codes).toEqual(y);
    }
  });

  it('means and average pools', () => {
    for (const [type, sx, zx, sy, zy, m, s, x, y] of contractCases('mean.global')) {
      expect(averageMultiplier(f32(sx), f32(sy), x.length)).toEqual({ m, s });
      const sum = x.reduce((a: number, b: number) => a + b - zx, 0);
      expect(requantizeHalfUp(sum, m, s, zy, ...range(type))).toBe(y);
    }
    for (const row of contractCases('mean.pool')) {
      for (const [n, [m, s]] of Object.entries(row[10]) as [string, [number, number]][]) {
        expect(averageMultiplier(f32(row[1]), f32(row[3]), Number(n))).toEqual({ m, s });
      }
    }
  });

  it('tables', () => {
    let undecided = 0;
    for (const [f, type, S, z, outType, sy, zy, T] of contractCases('table')) {
      const [qmin, qmax] = range(type);
      const [ymin, ymax] = range(outType);
      const fn = tableFunctions[f as keyof typeof tableFunctions];
      const input = { scale: f32(S), zeroPoint: z, qmin, qmax };
      const table = unaryTable(fn, input, { scale: f32(sy), zeroPoint: zy, qmin: ymin, qmax: ymax });
      // null is a pole or an undefined place, which the contract settles: 1/0 = +∞ gives qmax, undefined gives zy.
      const expected = T.map((entry: number | null) => {
        if (entry === null) undecided++;
        return entry ?? (f === 'reciprocal' ? ymax : zy);
      });
      expect(Array.from(table), `${f} ${S} ${sy}`).toEqual(expected);
    }
    expect(undecided).toBeGreaterThan(0);
  });

  it('softmax', () => {
    for (const [S, E] of contractCases('softmax.table')) expect(Array.from(softmaxTable(f32(S)))).toEqual(E);
    for (const [S, x, mask, T, p8, p16] of contractCases('softmax.row')) {
      const table = softmaxTable(f32(S));
      const kept = mask === 0 ? undefined : mask;
      expect(expRow(x, table, kept).reduce((a, b) => a + b, 0)).toBe(T);
      expect(Array.from(softmaxRow(x, table, 8, kept))).toEqual(p8);
      expect(Array.from(softmaxRow(x, table, 15, kept))).toEqual(p16);
    }
  });

  it('attention', () => {
    for (const [S, A] of contractCases('attention.table')) expect(Array.from(expTable(f32(S), 255))).toEqual(A);
    for (const [S, x, mask, zv, v, c, L, , D, sv, sy, zy, m, s, y] of contractCases('attention.row')) {
      const weights = expRow(x, expTable(f32(S), 255), mask === 0 ? undefined : mask);
      expect(weights.reduce((a, b) => a + b, 0)).toBe(L);
      expect(attentionMultiplier(f32(sv), f32(sy), c)).toEqual({ m, s });
      const means = v.map((column: number[]) => attentionMean(weights, column, zv, c) ?? 0);
      expect(means).toEqual(D);
      expect(means.map((mean: number) => requantizeHalfUp(mean, m, s, zy, -128, 127))).toEqual(y);
    }
  });

  it('borders', () => {
    for (const [x, S, z8, y8, zu8, yu8, z16, y16] of contractCases('border.quantize')) {
      expect(quantizeF32(f32(x), f32(S), z8, -128, 127)).toBe(y8);
      expect(quantizeF32(f32(x), f32(S), zu8, 0, 255)).toBe(yu8);
      expect(quantizeF32(f32(x), f32(S), z16, -32768, 32767)).toBe(y16);
    }
    for (const [q, z, S, x] of contractCases('border.dequantize')) expect(hex(dequantizeF32(q, f32(S), z))).toBe(x);
    // One factor of 1 makes the contraction's border a plain dequantization.
    for (const [q, z, S, x] of contractCases('border.dequantize')) {
      expect(hex(accumulatorToF32(q - z, f32(S), 1))).toBe(x);
    }
  });

  it('inverse roots and reciprocals', () => {
    for (const [V, k, R] of contractCases('floor.inverse-root')) expect(inverseRoot(BigInt(V), k)).toBe(BigInt(R));
    for (const [x, floor] of contractCases('floor.reciprocal')) expect(reciprocal32(x)).toBe(Number(floor));
  });
});
