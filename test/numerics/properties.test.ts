/** Number arithmetic against BigInt. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pow2, scaleByPow2, splitExponent } from '../../src/numerics/bits.ts';
import {
  chooseWeightScales,
  clamp,
  dyadicMultiplier,
  fitBias,
  halfEven,
  halfUp,
  integerSqrt,
  isScale,
  quantizeWeightsByAxis,
  requantizeHalfUp,
  requantizeHalfUpWide,
  sumMultipliers,
  sumRescaled,
} from '../../src/numerics/index.ts';
import { add, compare, divide, multiply, rational } from '../../src/numerics/rational.ts';
import { QcError } from '../../src/support/diagnostics.ts';

const i32 = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: -300, max: 300 }));
const multiplier = fc.oneof(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 3 }));
const shift = fc.integer({ min: 1, max: 62 });
const scale = fc
  .tuple(fc.integer({ min: 2 ** 23, max: 2 ** 24 - 1 }), fc.integer({ min: -40, max: 0 }))
  .map(([mantissa, e]) => mantissa * 2 ** e);

function requantizeOracle(acc: bigint, m: bigint, s: number, z: number, lo: number, hi: number): number {
  const y = ((acc * m + (1n << BigInt(s - 1))) >> BigInt(s)) + BigInt(z);
  return Number(y < BigInt(lo) ? BigInt(lo) : y > BigInt(hi) ? BigInt(hi) : y);
}

/** ⌊n/d⌋ for d > 0. */
function floorDivide(n: bigint, d: bigint): bigint {
  return n >= 0n ? n / d : -((-n + d - 1n) / d);
}

describe('rounding of f64', () => {
  const values = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: -3, max: 3, noNaN: true }),
    fc.tuple(fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), fc.constantFrom(-1, 0, 1)).map(([n, side]) => {
      const tie = n + 0.5;
      return tie + side * Math.abs(tie) * 2 ** -52;
    }),
  );

  it('halfUp is ⌊x + ½⌋', () => {
    fc.assert(
      fc.property(values, (x) => {
        const exact = add(rational(x), rational(0.5));
        expect(BigInt(halfUp(x))).toBe(floorDivide(exact.n, exact.d));
      }),
    );
  });

  it('halfEven is the nearest integer, ties to even', () => {
    fc.assert(
      fc.property(values, (x) => {
        const { n, d } = rational(x);
        const floor = floorDivide(n, d);
        const twice = 2n * (n - floor * d);
        const expected = twice < d ? floor : twice > d ? floor + 1n : floor + (((floor % 2n) + 2n) % 2n);
        expect(BigInt(halfEven(x))).toBe(expected);
      }),
    );
  });

  it('edges', () => {
    expect([halfUp(0.49999999999999994), halfUp(-0.5), halfUp(0.5), halfUp(-0)]).toEqual([0, 0, 1, 0]);
    expect([halfEven(0.5), halfEven(1.5), halfEven(-2.5), halfEven(-0.2)]).toEqual([0, 2, -2, 0]);
    expect(halfEven(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(halfUp(Number.NaN)).toBeNaN();
    expect(halfEven(Number.NaN)).toBeNaN();
  });
});

describe('requantization in numbers', () => {
  it('half-up, 32-bit accumulators', () => {
    fc.assert(
      fc.property(i32, multiplier, shift, fc.integer({ min: -32768, max: 32767 }), (acc, m, s, z) => {
        for (const [lo, hi] of [
          [-128, 127],
          [-(2 ** 31), 2 ** 31 - 1],
        ] as const) {
          expect(requantizeHalfUp(acc, m, s, z, lo, hi)).toBe(requantizeOracle(BigInt(acc), BigInt(m), s, z, lo, hi));
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('half-up at every tie', () => {
    fc.assert(
      fc.property(fc.integer({ min: -70000, max: 70000 }), fc.integer({ min: 1, max: 13 }), (k, s) => {
        // acc·m is an odd multiple of 2^(s−1).
        const acc = 2 * k + 1;
        const m = 2 ** (s - 1);
        expect(requantizeHalfUp(acc, m, s, 0, -(2 ** 31), 2 ** 31 - 1)).toBe(k + 1);
      }),
    );
  });

  it('half-up, 64-bit accumulators', () => {
    const acc48 = fc.bigInt({ min: -(1n << 47n), max: 1n << 47n });
    fc.assert(
      fc.property(acc48, fc.integer({ min: 0, max: 2 ** 15 }), shift, (acc, m, s) => {
        const expected = requantizeOracle(acc, BigInt(m), s, 5, -(2 ** 31), 2 ** 31 - 1);
        expect(requantizeHalfUpWide(Number(acc), m, s, 5, -(2 ** 31), 2 ** 31 - 1)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('sums of rescaled codes', () => {
    const codes = fc.array(fc.tuple(fc.integer({ min: -32768, max: 32767 }), i32), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(codes, fc.integer({ min: 1, max: 30 }), (pairs, s) => {
        const m = pairs.map(([, mi]) => mi);
        const sum = pairs.reduce((total, [x, mi]) => total + BigInt(x - 3) * BigInt(mi), 0n);
        const expected = requantizeOracle(sum, 1n, s, 1, -(2 ** 31), 2 ** 31 - 1);
        const x = pairs.map(([xi]) => xi);
        expect(
          sumRescaled(
            x,
            x.map(() => 3),
            { m, s },
            1,
            -(2 ** 31),
            2 ** 31 - 1,
          ),
        ).toBe(expected);
      }),
    );
  });

  it('multipliers stand for their factor to 2^−31', () => {
    fc.assert(
      fc.property(scale, scale, (a, b) => {
        const real = (a * 2 ** -30) / b;
        const { m, s } = dyadicMultiplier(real);
        const error = m / pow2(s) / real - 1;
        expect(Math.abs(error)).toBeLessThanOrEqual(s === 62 ? 1 : 2 ** -31);
      }),
    );
  });

  it('multipliers of a sum never overflow 32 bits', () => {
    fc.assert(
      fc.property(fc.array(scale, { minLength: 1, maxLength: 40 }), (scales) => {
        const { m, s } = sumMultipliers(scales, Math.max(...scales));
        const worst = m.reduce((total, mi) => total + 255 * mi, 2 ** (s - 1));
        expect(worst).toBeLessThan(2 ** 31);
      }),
    );
  });
});

describe('parameters', () => {
  it('a channel of zeros takes the smallest scale of its tensor', () => {
    expect(chooseWeightScales([127, 0, 254], 8)).toEqual([1, 1, 2]);
    expect(chooseWeightScales([63.5, 0, 254], 8)).toEqual([0.5, 0.5, 2]);
    expect(chooseWeightScales([0, 0], 8)).toEqual([1, 1]);
    expect(() => chooseWeightScales([1, Number.NaN], 8)).toThrow(QcError);
  });

  it('a bias too large doubles its weight scale', () => {
    const fitted = fitBias(1, Math.fround(2 ** -20), Math.fround(2 ** -14));
    expect(fitted).toEqual({ code: 2 ** 29, weightScale: 2 ** -9, doublings: 5 });
    expect(fitBias(1, 2 ** -20, 2 ** -14, true)).toEqual({ code: 2 ** 34, weightScale: 2 ** -14, doublings: 0 });
    expect(() => fitBias(Number.NaN, 1, 1)).toThrow(QcError);
  });

  it('weights by axis', () => {
    const codes = quantizeWeightsByAxis(Float32Array.of(1, -2, 3, 4, -5, 6), [2, 3], 0, [1, 0.5], 4);
    expect(Array.from(codes)).toEqual([1, -2, 3, 7, -7, 7]);
    const columns = quantizeWeightsByAxis(Float32Array.of(1, -2, 3, 4, -5, 6), [2, 3], 1, [1, 0.5, 3], 8);
    expect(Array.from(columns)).toEqual([1, -4, 1, 4, -10, 2]);
  });

  it('scales are normal f32', () => {
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** -127, 0.1]) expect(isScale(bad)).toBe(false);
    for (const good of [1, 2 ** -126, Math.fround(0.1)]) expect(isScale(good)).toBe(true);
  });
});

describe('exact helpers', () => {
  it('exponents split and scale exactly', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const magnitude = Math.abs(x);
        if (magnitude === 0) return;
        const { f, e } = splitExponent(magnitude);
        expect(f >= 0.5 && f < 1).toBe(true);
        expect(scaleByPow2(f, e)).toBe(magnitude);
      }),
      { numRuns: 2000 },
    );
  });

  it('fractions', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer({ min: 1 }), (a, b, c) => {
        const sum = add(rational(a), rational(b));
        expect(compare(sum, rational(a + b))).toBe(0);
        expect(compare(divide(multiply(rational(a), rational(-c)), rational(-c)), rational(a))).toBe(0);
        expect(compare(rational(a), rational(b))).toBe(Math.sign(a - b));
      }),
    );
  });

  it('integer square roots', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 124n }), (x) => {
        const root = integerSqrt(x);
        expect(root * root <= x && x < (root + 1n) * (root + 1n)).toBe(true);
      }),
    );
  });

  it('clamp', () => {
    expect([clamp(-5, 0, 3), clamp(5, 0, 3), clamp(2, 0, 3)]).toEqual([0, 3, 2]);
  });
});
