import type { BodyBuilder, ScalarType, Value } from '../../src/ir/index.ts';
import { elementOf } from './arithmeticBuilder.ts';

/** A 64-bit integer as two u32, for targets that have none. */
export interface Pair {
  readonly low: Value;
  readonly high: Value;
}

const word = (k: BodyBuilder, value: number, x: Value) => k.constant(value >>> 0, 'u32', x);
const signed = (k: BodyBuilder, x: Value) => k.convert(x, 'i32');
const unsigned = (k: BodyBuilder, x: Value) => k.convert(x, 'u32');
/** 1 where a condition holds. */
const bit = (k: BodyBuilder, condition: Value, x: Value) => k.select(condition, word(k, 1, x), word(k, 0, x));

export function pairOf(k: BodyBuilder, value: bigint, like?: Value): Pair {
  const part = (bits: bigint) => k.constant(Number(BigInt.asUintN(32, bits)), 'u32', like);
  return { low: part(value), high: part(value >> 32n) };
}

export function addPairs(k: BodyBuilder, a: Pair, b: Pair): Pair {
  const low = k.add(a.low, b.low);
  return { low, high: k.add(k.add(a.high, b.high), bit(k, k.cmp('lt', low, a.low), low)) };
}

export function subtractPairs(k: BodyBuilder, a: Pair, b: Pair): Pair {
  const borrow = bit(k, k.cmp('lt', a.low, b.low), a.low);
  return { low: k.sub(a.low, b.low), high: k.sub(k.sub(a.high, b.high), borrow) };
}

export const negatePair = (k: BodyBuilder, a: Pair): Pair => subtractPairs(k, pairOf(k, 0n, a.low), a);

export const isNegative = (k: BodyBuilder, a: Pair): Value =>
  k.cmp('lt', signed(k, a.high), k.constant(0, 'i32', a.high));

export const selectPair = (k: BodyBuilder, condition: Value, a: Pair, b: Pair): Pair => ({
  low: k.select(condition, a.low, b.low),
  high: k.select(condition, a.high, b.high),
});

/** The upper half of a·b of u32. Source: Warren, Hacker's Delight, 8-2. */
function upperProduct(k: BodyBuilder, a: Value, b: Value): Value {
  const low = (x: Value) => k.and(x, word(k, 0xffff, x));
  const high = (x: Value) => k.shr(x, 16);
  const middle = k.add(k.mul(high(a), low(b)), high(k.mul(low(a), low(b))));
  const other = k.add(k.mul(low(a), high(b)), low(middle));
  return k.add(k.add(k.mul(high(a), high(b)), high(middle)), high(other));
}

export function multiplyPairs(k: BodyBuilder, a: Pair, b: Pair): Pair {
  const cross = k.add(k.mul(a.low, b.high), k.mul(a.high, b.low));
  return { low: k.mul(a.low, b.low), high: k.add(upperProduct(k, a.low, b.low), cross) };
}

export function shiftPair(k: BodyBuilder, a: Pair, count: number, direction: 'left' | 'right'): Pair {
  if (count === 0) return a;
  if (direction === 'left') {
    if (count >= 32) return { low: word(k, 0, a.low), high: k.shl(a.low, count - 32) };
    return { low: k.shl(a.low, count), high: k.or(k.shl(a.high, count), k.shr(a.low, 32 - count)) };
  }
  const down = (n: number) => unsigned(k, k.shr(signed(k, a.high), n));
  if (count >= 32) return { low: down(count - 32), high: down(31) };
  return { low: k.or(k.shr(a.low, count), k.shl(a.high, 32 - count)), high: down(count) };
}

export type Predicate = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

export function comparePairs(k: BodyBuilder, predicate: Predicate, a: Pair, b: Pair): Value {
  const same = k.cmp('eq', a.high, b.high);
  if (predicate === 'eq') return k.and(same, k.cmp('eq', a.low, b.low));
  if (predicate === 'ne') return k.or(k.cmp('ne', a.high, b.high), k.cmp('ne', a.low, b.low));
  const strict = predicate === 'lt' || predicate === 'le' ? 'lt' : 'gt';
  const beyond = k.cmp(strict, signed(k, a.high), signed(k, b.high));
  return k.or(beyond, k.and(same, k.cmp(predicate, a.low, b.low)));
}

const two32 = 2 ** 32;

/** A number of another type as 64 bits: floats are truncated and saturate, NaN is 0. */
export function widened(k: BodyBuilder, a: Value): Pair {
  const element = elementOf(a);
  if (element === 'f32') return fromFloat(k, a);
  if (element === 'i1' || element.startsWith('u')) {
    const low = unsigned(k, a);
    return { low, high: word(k, 0, low) };
  }
  const value = signed(k, a);
  return { low: unsigned(k, value), high: unsigned(k, k.shr(value, 31)) };
}

function fromFloat(k: BodyBuilder, a: Value): Pair {
  const f = (value: number) => k.constant(value, 'f32', a);
  const size = k.abs(a);
  const upper = k.floor(k.mul(size, f(1 / two32)));
  // exact: both products and the difference lie on the float's own grid
  const magnitude = { low: k.convert(k.sub(size, k.mul(upper, f(two32))), 'u32'), high: k.convert(upper, 'u32') };
  const value = selectPair(k, k.cmp('lt', a, f(0)), negatePair(k, magnitude), magnitude);
  const [least, most] = [pairOf(k, -(2n ** 63n), value.low), pairOf(k, 2n ** 63n - 1n, value.low)];
  const low = selectPair(k, k.cmp('le', a, f(-(2 ** 63))), least, value);
  return selectPair(k, k.cmp('ge', a, f(2 ** 63)), most, low);
}

/** 64 bits as another type: integers wrap. */
export function narrowedPair(k: BodyBuilder, a: Pair, to: ScalarType): Value {
  if (to === 'i1') return k.cmp('ne', k.or(a.low, a.high), word(k, 0, a.low));
  if (to !== 'f32') return k.convert(to === 'u32' ? a.low : signed(k, a.low), to);
  // of the size, so that small negative numbers are exact
  const negative = isNegative(k, a);
  const size = selectPair(k, negative, negatePair(k, a), a);
  const upper = k.mul(k.convert(size.high, 'f32'), k.constant(two32, 'f32', size.high));
  const sum = k.add(upper, k.convert(size.low, 'f32'));
  return k.select(negative, k.neg(sum), sum);
}
