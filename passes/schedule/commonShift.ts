import type { Interval } from '../integer/accumulatorRange.ts';

/** One channel's share in a rescaling with a shift that all channels have. */
export interface CommonShiftChannel {
  readonly m: number;
  readonly factor: number;
  readonly bound: number;
}

export interface CommonShift {
  readonly shift: number;
  readonly channels: readonly CommonShiftChannel[];
}

/** A requantization of one channel: (acc·m + 2^(s−1)) >> s for acc in `range`. */
export interface ChannelMultiplier {
  readonly m: number;
  readonly s: number;
  readonly range: Interval;
}

const top = 2 ** 31 - 1;

/**
 * One shift S for all channels, with which clamp(acc, ±bound)·factor rescaled by (m', S) gives the codes that acc
 * rescaled by (m, s) gives, for every acc of the channel's range and every zero point; undefined where none in
 * 32..62 does.
 *
 * s ≤ S: factor = 2^(S−s), m' = m. Numerator and divisor grow by the same power of two, so that
 *   ⌊(acc·2^(S−s)·m + 2^(S−1)) / 2^S⌋ = ⌊(acc·m + 2^(s−1)) / 2^s⌋ exactly.
 * bound = ⌊(2^31 − 1)/factor⌋ keeps the product in 32 bits. It changes no code if it is never reached (|acc| ≤ bound
 * in the whole range), or if beyond it the code saturates anyway: bound·m/2^s ≥ 2^bits. Then acc ≥ bound gives at
 * least 2^bits before the zero point z is added, and acc ≤ −bound at most −2^bits; as z itself is a code, both lie
 * outside the codes, with acc as with ±bound.
 *
 * s > S (a channel of tiny scale beside others): factor = 1 and an m' near m·2^(S−s). Both functions of acc never
 * fall, so that they are equal on the range if they step at the same places: `sameSteps` checks every one.
 *
 * @param bits of the result's codes
 */
export function commonShift(channels: readonly ChannelMultiplier[], bits: number): CommonShift | undefined {
  const largest = channels.reduce((s, channel) => Math.max(s, channel.s), 32);
  for (let shift = largest; shift >= 32; shift--) {
    const found = channels.map((channel) => rescaleChannel(channel, shift, bits));
    if (found.every((channel) => channel !== undefined)) return { shift, channels: found };
  }
  return undefined;
}

function rescaleChannel(
  { m, s, range }: ChannelMultiplier,
  shift: number,
  bits: number,
): CommonShiftChannel | undefined {
  if (s > shift) return coarser({ m, s, range }, shift, bits);
  if (shift - s > 30) return undefined;
  const factor = 2 ** (shift - s);
  const bound = Math.floor(top / factor);
  const reached = range.low < -bound || range.high > bound;
  const saturates = BigInt(bound) * BigInt(m) >= 1n << BigInt(s + bits);
  return !reached || saturates || m === 0 ? { m, factor, bound } : undefined;
}

/** Roundings of m·2^(S−s) that are tried, nearest first. */
const neighbours = [0, 1, -1, 2, -2, 3, -3, 4, -4];

function coarser({ m, s, range }: ChannelMultiplier, shift: number, bits: number): CommonShiftChannel | undefined {
  const nearest = Math.round(m / 2 ** (s - shift));
  // nothing is lost: numerator and divisor shrink by the same power of two
  if (nearest * 2 ** (s - shift) === m) return { m: nearest, factor: 1, bound: top };
  for (const step of neighbours) {
    const candidate = nearest + step;
    if (candidate < 0 || candidate > top) continue;
    if (sameSteps({ m, s, range }, candidate, shift, bits)) return { m: candidate, factor: 1, bound: top };
  }
  return undefined;
}

/** Whether (acc·m + 2^(s−1)) >> s and (acc·n + 2^(t−1)) >> t agree on the range, limited to ±2^bits. */
function sameSteps({ m, s, range }: ChannelMultiplier, n: number, t: number, bits: number): boolean {
  const rescale = (acc: bigint, factor: number, by: number) =>
    (acc * BigInt(factor) + (1n << BigInt(by - 1))) >> BigInt(by);
  const limit = 1n << BigInt(bits);
  const limited = (y: bigint) => (y > limit ? limit : y < -limit ? -limit : y);
  const before = (acc: bigint) => limited(rescale(acc, m, s));
  const after = (acc: bigint) => limited(rescale(acc, n, t));
  const [low, high] = [BigInt(range.low), BigInt(range.high)];
  if (before(low) !== after(low) || before(high) !== after(high)) return false;
  for (let y = before(low) + 1n; y <= before(high); y++) {
    // The first acc with acc·m + 2^(s−1) ≥ y·2^s.
    const first = ceilDivide((y << BigInt(s)) - (1n << BigInt(s - 1)), BigInt(m));
    if (after(first) !== y || after(first - 1n) !== y - 1n) return false;
  }
  return true;
}

/** ⌈a/b⌉ for b > 0. */
function ceilDivide(a: bigint, b: bigint): bigint {
  return a > 0n ? (a + b - 1n) / b : a / b;
}
