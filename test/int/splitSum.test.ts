import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitSum } from '../../dialects/int/splitSum.ts';

const code = fc.oneof(fc.constantFrom(-32768, 32767, 0), fc.integer({ min: -32768, max: 32767 }));
const multiplier = fc.oneof(
  fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 2 ** 15, 2 ** 16 - 1),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const terms = fc.array(fc.record({ x: code, m: multiplier }), { minLength: 1, maxLength: 3 });

/** The sum by parts, where nothing leaves 32 bits. */
function byParts(xs: readonly number[], split: NonNullable<ReturnType<typeof splitSum>>, shift: number): number {
  const inside = (value: number) => {
    expect((value | 0) === value).toBe(true);
    return value;
  };
  const sum = (parts: readonly number[], c: number) =>
    inside(xs.reduce((total, x, i) => inside(total + inside(x * (parts[i] as number))), 0) + c);
  const carried = sum(split.low, split.constants.low) >> split.bits;
  return inside(sum(split.high, split.constants.high) + carried) >> (shift - split.bits);
}

test('sums in two parts are those of whole numbers', () => {
  let found = 0;
  const property = fc.property(terms, fc.integer({ min: 1, max: 31 }), code, (all, shift, z) => {
    const [xs, ms] = [all.map(({ x }) => x), all.map(({ m }) => m)];
    const c = 2 ** (shift - 1) - z * (ms[0] as number);
    const split = splitSum(
      ms,
      xs.map(() => 32768),
      shift,
      c,
    );
    if (!split) return;
    found++;
    const exact = xs.reduce((sum, x, i) => sum + BigInt(x) * BigInt(ms[i] as number), BigInt(c)) >> BigInt(shift);
    expect(BigInt(byParts(xs, split, shift))).toBe(exact);
  });
  fc.assert(property, { numRuns: 2000 });
  expect(found).toBeGreaterThan(200);
});

test('16-bit codes of one scale have parts, sums that leave 32 bits have none', () => {
  expect(splitSum([1970625146, 1114050779], [32768, 32768], 30, 2 ** 29)).toBeDefined();
  expect(splitSum([2147483647, 2147483647], [32768, 32768], 8, 128)).toBeUndefined();
});
