import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, observerNames, observerOf } from '../../src/calibrate/index.ts';
import { chooseActivationParams } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

const value = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(0),
  fc.float({ min: -4, max: 4, noNaN: true }),
);

function filled(values: readonly number[], portion = values.length): Histogram {
  const histogram = new Histogram();
  for (let i = 0; i < values.length; i += portion) histogram.add(values.slice(i, i + portion));
  return histogram;
}

describe('a histogram', () => {
  it('is the same in whatever order and portions the values come', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        (values, portion) => {
          const [whole, parts, reversed] = [
            filled(values),
            filled(values, portion),
            filled(values.toReversed(), portion),
          ];
          expect(parts).toEqual(whole);
          expect(reversed).toEqual(whole);
        },
      ),
    );
  });

  it('counts every value in the bin that holds it', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), (values) => {
        const histogram = filled(values);
        expect(histogram.count).toBe(values.length);
        expect(histogram.bins().reduce((n, { count }) => n + count, 0)).toBe(values.length);
        for (const { centre, count } of histogram.bins()) {
          const half = histogram.width / 2;
          const inside = values.filter((v) => v >= centre - half && (v < centre + half || half === 0));
          expect(inside.length).toBe(count);
        }
      }),
    );
  });

  it('says what it met that is not finite, and keeps what it had', () => {
    const histogram = filled([1, 2]);
    histogram.add([3, Number.NaN]);
    histogram.add([Number.POSITIVE_INFINITY]);
    expect(histogram.notFinite).toBeNaN();
    expect([histogram.min, histogram.max, histogram.count]).toEqual([1, 2, 2]);
  });
});

/** Values of a bell curve (sums of a linear congruential generator) with one far outlier. */
function bell(outlier: number): number[] {
  let state = 1;
  const uniform = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31 - 0.5;
  };
  const values = Array.from({ length: 20000 }, () => uniform() + uniform() + uniform() + uniform());
  return [...values, outlier];
}

describe('observers', () => {
  it('minmax covers everything and contains 0', () => {
    expect(observerOf('minmax', 0).choose(filled([2, 5]))).toEqual({ min: 0, max: 5 });
    expect(observerOf('minmax', 0).choose(filled([-3, 5]))).toEqual({ min: -3, max: 5 });
  });

  it('percentile leaves out the outlier and no more than its share', () => {
    const values = bell(50);
    const { min, max } = observerOf('percentile', 99.9).choose(filled(values));
    expect(max).toBeLessThan(3);
    expect(values.filter((v) => v > max || v < min).length).toBeLessThanOrEqual(2 * 0.001 * values.length);
    expect(() => observerOf('percentile', 10)).toThrow(QcError);
  });

  it('mse gives a smaller error than the whole range, measured on the values themselves', () => {
    const values = bell(9);
    const error = ({ min, max }: { min: number; max: number }) => {
      const { scale, zeroPoint } = chooseActivationParams(min, max);
      return values.reduce((sum, v) => {
        const q = Math.min(127, Math.max(-128, Math.round(v / scale) + zeroPoint));
        return sum + (v - (q - zeroPoint) * scale) ** 2;
      }, 0);
    };
    const histogram = filled(values);
    const chosen = observerOf('mse', 0).choose(histogram);
    expect(error(chosen)).toBeLessThan(error(observerOf('minmax', 0).choose(histogram)));
    const kept = observerOf('lp', 0).choose(histogram);
    expect(kept.max).toBeGreaterThanOrEqual(chosen.max);
    // Bins stand for their values: the smallest error is found within a little.
    expect(error(chosen)).toBeLessThan(1.01 * error(kept));
  });

  it('a value that is always zero has a range', () => {
    for (const name of observerNames) {
      expect(observerOf(name, 99).choose(filled([0, 0]))).toEqual({ min: 0, max: 0 });
    }
  });
});
