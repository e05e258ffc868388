import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatFactor } from '../../passes/schedule/floatRescale.ts';
import { requantizeHalfEvenF32 } from '../../src/numerics/index.ts';

/** The contract's requantization in arbitrary precision. */
function exact(acc: number, m: number, s: number, z: number, min: number, max: number): number {
  const y = Number((BigInt(acc) * BigInt(m) + (1n << BigInt(s - 1))) >> BigInt(s)) + z;
  return Math.min(Math.max(y, min), max);
}

const channel = fc.record({
  m: fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }),
  s: fc.integer({ min: 34, max: 50 }),
  zeroPoint: fc.integer({ min: -128, max: 127 }),
  largest: fc.integer({ min: 100, max: 2 ** 22 }),
});

describe('rescaling by an f32 factor', () => {
  it('gives the codes of the exact requantization at every step and anywhere between', () => {
    let found = 0;
    let tried = 0;
    fc.assert(
      fc.property(
        channel,
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 50, maxLength: 50 }),
        (c, at) => {
          const { m, s, zeroPoint, largest } = c;
          const range = { low: -largest, high: largest };
          tried++;
          const factor = floatFactor({ m, s, zeroPoint, min: -128, max: 127, range });
          if (factor === undefined) return;
          found++;
          const step = 2 ** s / m;
          const edges = Array.from({ length: 256 }, (_, y) => (y - 128 - zeroPoint - 0.5) * step).flatMap((x) => [
            Math.floor(x),
            Math.ceil(x),
            Math.ceil(x) + 1,
          ]);
          const accumulators = [...edges, ...at.map((x) => Math.round(x * largest)), -largest, largest, 0];
          for (const acc of accumulators.filter((a) => Math.abs(a) <= largest)) {
            expect(requantizeHalfEvenF32(acc, factor, zeroPoint, -128, 127)).toBe(
              exact(acc, m, s, zeroPoint, -128, 127),
            );
          }
        },
      ),
    );
    // the identity is worth its while only when it is found for most channels
    expect(found).toBeGreaterThan(tried / 3);
  });

  it('is refused where products would leave the range of the rounding', () => {
    const range = { low: -(2 ** 30), high: 2 ** 30 };
    expect(floatFactor({ m: 2 ** 30, s: 34, zeroPoint: 0, min: -128, max: 127, range })).toBeUndefined();
  });
});
