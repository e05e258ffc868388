import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChannelMultiplier, commonShift } from '../../passes/schedule/commonShift.ts';
import { dyadicMultipliers24 } from '../../src/numerics/index.ts';

const whole = { low: -(2 ** 31), high: 2 ** 31 - 1 };

const rescale = (acc: bigint, m: number, s: number) => (acc * BigInt(m) + (1n << BigInt(s - 1))) >> BigInt(s);
const clamp = (x: bigint, low: bigint, high: bigint) => (x < low ? low : x > high ? high : x);

/** Checks the rewritten arithmetic against the plain one for `acc`, with the zero points at the ends. */
function agrees(
  channel: ChannelMultiplier,
  shift: number,
  found: { m: number; factor: number; bound: number },
  acc: bigint,
): void {
  const bound = BigInt(found.bound);
  const scaled = clamp(acc, -bound, bound) * BigInt(found.factor);
  expect(scaled === BigInt.asIntN(32, scaled)).toBe(true);
  for (const z of [-128n, 0n, 127n]) {
    const plain = clamp(rescale(acc, channel.m, channel.s) + z, -128n, 127n);
    expect(clamp(rescale(scaled, found.m, shift) + z, -128n, 127n)).toBe(plain);
  }
}

/** Accumulators where the two could part: the ends, the bound, and where the result steps. */
function probes({ m, s, range }: ChannelMultiplier, bound: number, random: readonly number[]): bigint[] {
  const near = [range.low, range.high, bound, -bound, 0, ...random];
  if (m > 0)
    for (let y = -300; y <= 300; y += 37) near.push(Number(((BigInt(2 * y - 1) << BigInt(s - 1)) / BigInt(m)) | 0n));
  return near
    .flatMap((x) => [x - 1, x, x + 1])
    .filter((x) => x >= range.low && x <= range.high)
    .map(BigInt);
}

const normalized = fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 });
const acc = fc.array(fc.integer({ min: whole.low, max: whole.high }), { minLength: 8, maxLength: 8 });

function check(channels: readonly ChannelMultiplier[], random: readonly number[]): boolean {
  const common = commonShift(channels, 8);
  if (!common) return false;
  expect(common.shift).toBeGreaterThanOrEqual(32);
  expect(common.shift).toBeLessThanOrEqual(62);
  channels.forEach((channel, i) => {
    const found = common.channels[i] as { m: number; factor: number; bound: number };
    for (const value of probes(channel, found.bound, random)) agrees(channel, common.shift, found, value);
  });
  return true;
}

describe('one shift for all channels', () => {
  it('gives the same codes for every accumulator, whatever the multipliers', () => {
    const channel = fc.record({ m: normalized, s: fc.integer({ min: 22, max: 52 }), range: fc.constant(whole) });
    fc.assert(
      fc.property(fc.array(channel, { minLength: 1, maxLength: 4 }), acc, (channels, random) => {
        const spread = Math.max(...channels.map(({ s }) => s), 32) - Math.min(...channels.map(({ s }) => s));
        // Up to 52 bits saturation is certain, and a factor is at most 2^30: there is always an answer.
        expect(check(channels, random) || spread > 30).toBe(true);
      }),
    );
  });

  it('serves a channel of tiny scale whose sums hardly leave its bias', () => {
    const bias = fc.integer({ min: -(2 ** 30), max: 2 ** 30 });
    fc.assert(
      fc.property(normalized, fc.integer({ min: 53, max: 61 }), bias, normalized, acc, (m, s, b, other, random) => {
        const narrow = { low: b - 100, high: b + 100 };
        check(
          [
            { m, s, range: narrow },
            { m: other, s: 38, range: { low: -(2 ** 24), high: 2 ** 24 } },
          ],
          random,
        );
      }),
    );
    const constant = { m: 2 ** 30, s: 58, range: { low: 2 ** 29, high: 2 ** 29 } };
    expect(check([constant, { m: 2 ** 30 + 12345, s: 38, range: whole }], [])).toBe(true);
  });

  it('serves shifts cut off at 62, and a multiplier of zero', () => {
    expect(check([{ m: 12345, s: 62, range: whole }], [])).toBe(true);
    expect(
      check(
        [
          { m: 0, s: 62, range: whole },
          { m: 2 ** 30, s: 40, range: whole },
        ],
        [],
      ),
    ).toBe(true);
  });

  it('refuses what no single shift can do', () => {
    const wide = { m: 2 ** 31 - 1, s: 60, range: whole };
    expect(commonShift([wide, { m: 2 ** 31 - 1, s: 30, range: whole }], 8)).toBeUndefined();
  });

  it('always finds one for the channels of a layer of 16 bits, and their multipliers stay near', () => {
    const reals = fc.array(fc.double({ min: 2 ** -30, max: 2 ** 10, noNaN: true }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(reals, (all) => {
        const channels = dyadicMultipliers24(all).map(({ m, s }) => ({ m, s, range: whole }));
        expect(commonShift(channels, 16)).toBeDefined();
        const largest = Math.max(...all);
        channels.forEach(({ m, s }, c) => {
          const error = Math.abs(m / 2 ** s - (all[c] as number));
          expect(error).toBeLessThanOrEqual(Math.max(2 ** -22 * (all[c] as number), 2 ** -30 * largest));
        });
      }),
    );
  });
});
