import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, observerNames, observerOf, ValueStatistics } from '../../src/calibrate/index.ts';
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

/** What calibration sees when every portion is a sample. */
function seen(values: readonly number[], portion = values.length): ValueStatistics {
  const statistics = new ValueStatistics();
  for (let i = 0; i < values.length; i += portion) {
    statistics.add(Float32Array.from(values.slice(i, i + portion)), Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }
  return statistics;
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

  it('merges with others, and is written and read, as if it had seen all values itself', () => {
    const values = fc.array(value, { maxLength: 40 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const merged = filled(a);
        merged.merge(filled(b));
        const whole = filled([...a, ...b]).toRecord();
        expect(merged.toRecord()).toEqual(whole);
        expect(Histogram.fromRecord(JSON.parse(JSON.stringify(whole))).toRecord()).toEqual(whole);
      }),
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
    expect(observerOf('minmax', 0).choose(seen([2, 5]))).toEqual({ min: 0, max: 5 });
    expect(observerOf('minmax', 0).choose(seen([-3, 5]))).toEqual({ min: -3, max: 5 });
  });

  it('percentile leaves out the outlier and no more than its share', () => {
    const values = bell(50);
    const { min, max } = observerOf('percentile', 99.9).choose(seen(values));
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
    const histogram = seen(values);
    const chosen = observerOf('mse', 0).choose(histogram);
    expect(error(chosen)).toBeLessThan(error(observerOf('minmax', 0).choose(histogram)));
    const kept = observerOf('lp', 0).choose(histogram);
    expect(kept.max).toBeGreaterThanOrEqual(chosen.max);
    // Bins stand for their values: the smallest error is found within a little.
    expect(error(chosen)).toBeLessThan(1.01 * error(kept));
  });

  it('moving-average takes the mean of the extremes of the samples', () => {
    const values = [-1, 2, 0.5, -3, 8, 1];
    expect(observerOf('moving-average', 0).choose(seen(values, 3))).toEqual({ min: -2, max: 5 });
  });

  it('entropy cuts a far tail off that minmax keeps, and keeps what is evenly spread', () => {
    const tailed = observerOf('entropy', 0).choose(seen(bell(40)));
    expect(tailed.max).toBeGreaterThan(1);
    expect(tailed.max).toBeLessThan(8);
    const even = Array.from({ length: 40960 }, (_, i) => (i + 0.5) / 4096);
    expect(observerOf('entropy', 0).choose(seen(even)).max).toBeGreaterThan(9.9);
  });

  it('a value that is always zero has a range', () => {
    for (const name of observerNames) {
      expect(observerOf(name, 99).choose(seen([0, 0]))).toEqual({ min: 0, max: 0 });
    }
  });
});
