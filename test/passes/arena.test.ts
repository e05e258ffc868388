import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Interval, planArena } from '../../passes/lower/arena.ts';

const intervals = fc.array(
  fc
    .record({ bytes: fc.integer({ min: 1, max: 5000 }), from: fc.nat(30), length: fc.nat(10) })
    .map(({ bytes, from, length }): Interval => ({ bytes, from, to: from + length })),
  { maxLength: 40 },
);

describe('planning the arena', () => {
  it('never lets two buffers that live at the same time overlap, and aligns every one', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        const { offsets, bytes, lowerBound } = planArena(list, 64);
        list.forEach((a, i) => {
          const at = offsets[i] as number;
          expect(at % 64).toBe(0);
          expect(at + a.bytes).toBeLessThanOrEqual(bytes);
          list.slice(0, i).forEach((b, j) => {
            const together = a.from <= b.to && b.from <= a.to;
            const other = offsets[j] as number;
            if (together) expect(at + a.bytes <= other || other + b.bytes <= at).toBe(true);
          });
        });
        expect(bytes).toBeGreaterThanOrEqual(lowerBound);
      }),
    );
  });

  it('reaches the lower bound on a chain', () => {
    const chain = Array.from({ length: 10 }, (_, i): Interval => ({ bytes: 64 * (10 - i), from: i, to: i + 1 }));
    const { bytes, lowerBound } = planArena(chain, 64);
    expect(bytes).toBe(lowerBound);
    expect(lowerBound).toBe(64 * 19);
  });
});
