import { requantize } from '../../dialects/int/requantize.ts';
import { rescaleFloat } from '../../dialects/int/rescaleFloat.ts';
import type { Op } from '../../src/ir/index.ts';
import { f32Bits, f32FromBits, halfEven } from '../../src/numerics/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { applyGreedily, op, rule } from '../../src/rewrite/index.ts';
import type { Target } from '../../src/target/index.ts';
import { constantOf, createFloats } from '../constants.ts';
import type { Interval } from '../integer/accumulatorRange.ts';
import { rangesToRescale } from './accumulatorRanges.ts';

/** A requantization of one channel: clamp(((acc·m + 2^(s−1)) >> s) + z, min, max) for acc in `range`. */
export interface Requantization {
  readonly m: number;
  readonly s: number;
  readonly zeroPoint: number;
  readonly min: number;
  readonly max: number;
  readonly range: Interval;
}

/** Steps of the factor's last place that are tried beside m·2^−s itself. */
const nearby = [0, 1, -1, 2, -2, 3, -3, 4, -4];

/**
 * An f32 factor with which half_even(fl32(fl32(acc)·factor)) gives the codes of the requantization for every acc of
 * its range, or undefined. Both never fall with acc, so they are equal if they step from code to code at the same
 * acc: each of the at most 255 steps is looked at.
 */
export function floatFactor(channel: Requantization): number | undefined {
  const { m, s, range } = channel;
  const real = Math.fround(m * 2 ** -s);
  const largest = Math.max(Math.abs(range.low), Math.abs(range.high));
  // the rounding by addition in int.rescale_f32 needs products below 2^22
  if (m === 0 || largest * real >= 2 ** 21) return m === 0 ? 0 : undefined;
  const bits = f32Bits(real);
  for (const step of nearby) {
    const factor = f32FromBits(bits + step);
    if (stepsAgree(channel, factor)) return factor;
  }
  return undefined;
}

function stepsAgree({ m, s, zeroPoint, min, max, range }: Requantization, factor: number): boolean {
  const rounded = (acc: number) => halfEven(Math.fround(Math.fround(acc) * factor));
  for (let code = min + 1; code <= max; code++) {
    const y = code - zeroPoint;
    const first = firstAtLeast(y, m, s);
    // below and from `first` on, as far as the range reaches
    if (first > range.low && first - 1 <= range.high && rounded(first - 1) >= y) return false;
    if (first <= range.high && first >= range.low && rounded(first) < y) return false;
    if (first > range.high && rounded(range.high) >= y) return false;
    if (first <= range.low && rounded(range.low) < y) return false;
  }
  return true;
}

/** The smallest acc with (acc·m + 2^(s−1)) >> s ≥ y, for m > 0. */
function firstAtLeast(y: number, m: number, s: number): number {
  const numerator = (BigInt(y) << BigInt(s)) - (1n << BigInt(s - 1));
  const divisor = BigInt(m);
  const quotient = numerator / divisor;
  return Number(numerator > 0n && quotient * divisor !== numerator ? quotient + 1n : quotient);
}

function factorsOf(root: Op): number[] | undefined {
  const multiplier = constantOf(root.operand(1));
  const shift = constantOf(root.operand(2));
  const count = multiplier?.data.length ?? 0;
  const ranges = rangesToRescale(root.operand(0), count);
  if (!multiplier || !shift || !ranges) return undefined;
  const { zero_point: zeroPoint, min, max } = requantize.attributesOf(root);
  const factors: number[] = [];
  for (let i = 0; i < count; i++) {
    const range = ranges[i] as Interval;
    const factor = floatFactor({
      m: multiplier.data[i] as number,
      s: shift.data[i] as number,
      zeroPoint,
      min,
      max,
      range,
    });
    if (factor === undefined) return undefined;
    factors.push(factor);
  }
  return factors;
}

// requantize(acc, m, s) == rescale_f32(acc, f) where `floatFactor` finds f for every channel
const viaFloat = rule('float-rescale', op(requantize), ({ root }, rewriter) => {
  const factors = factorsOf(root);
  if (!factors) return undefined;
  const shape = constantOf(root.operand(1))?.shape as readonly number[];
  const factor = createFloats(rewriter, `${root.source}.factor`, shape, factors);
  return rewriter.create(rescaleFloat, { acc: root.operand(0), factor }, root.attributes, { types: [root.result.type] })
    .result;
});

export const floatRescale = definePass({
  name: 'float-rescale',
  summary:
    'On targets with fast floats, rescales by one f32 product where every step from code to code is proved to stay.',
  phase: 'schedule',
  preserves: 'bits',
  run(module, _, context) {
    if (!(context.target as Target | undefined)?.floatRescale) return;
    for (const func of module.functions.values()) applyGreedily(func.body, [viaFloat], context.trace);
  },
});
