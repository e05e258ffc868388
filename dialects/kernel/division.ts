import { type BodyBuilder, bitsOf, isFloat, type ScalarType, type Value } from '../../src/ir/index.ts';
import { expF32, logF32 } from './elementary.ts';

// Quotients, rests and powers in kernel primitives, which have no division of integers.

const elementOf = (value: Value) => (value.type as { readonly element: ScalarType }).element;

/** A number of the same element type, in as many lanes. */
export const like = (k: BodyBuilder, value: number, x: Value): Value => k.constant(value, elementOf(x), x);

const isUnsigned = (x: Value) => elementOf(x).startsWith('u');
const truncated = (k: BodyBuilder, x: Value) => k.select(k.cmp('lt', x, like(k, 0, x)), k.ceil(x), k.floor(x));

/**
 * |a| / |b| in 64-bit integers: quotients of f32, each right in its first 22 bits or more, until what is left is
 * smaller than b.
 */
function divideMagnitudes(k: BodyBuilder, a: Value, b: Value): Value {
  const divisor = k.convert(b, 'f32');
  const zero = like(k, 0, a);
  let [quotient, rest] = [zero, a];
  for (let step = 0; step < 4; step++) {
    const part = k.convert(k.div(k.convert(rest, 'f32'), divisor), 'i64');
    quotient = k.add(quotient, part);
    rest = k.sub(rest, k.mul(part, b));
  }
  const one = like(k, 1, a);
  const low = k.cmp('lt', rest, zero);
  const high = k.cmp('ge', rest, b);
  return k.select(low, k.sub(quotient, one), k.select(high, k.add(quotient, one), quotient));
}

/** a / b of integers, truncated toward zero; by zero it is some number. */
function divideIntegers(k: BodyBuilder, a: Value, b: Value): Value {
  const element = elementOf(a);
  if (bitsOf(element) <= 16) {
    // exact: both are below 2^24, and a quotient that is not whole is further from a whole one than f32 rounds
    const quotient = truncated(k, k.div(k.convert(a, 'f32'), k.convert(b, 'f32')));
    return k.convert(k.convert(quotient, 'i32'), element);
  }
  const [x, y] = [k.convert(a, 'i64'), k.convert(b, 'i64')];
  const magnitude = divideMagnitudes(k, k.abs(x), k.abs(y));
  const negative = k.cmp('lt', k.xor(x, y), like(k, 0, x));
  return k.convert(k.select(negative, k.neg(magnitude), magnitude), element);
}

/** a / b: of integers truncated toward zero. */
export function divide(k: BodyBuilder, a: Value, b: Value): Value {
  return isFloat(elementOf(a)) ? k.div(a, b) : divideIntegers(k, a, b);
}

/** a·b as the sum of two f32, without a fused operation. Source: Dekker 1971. */
function twoProduct(k: BodyBuilder, a: Value, b: Value): [high: Value, low: Value] {
  const halves = (x: Value): [Value, Value] => {
    const scaled = k.mul(x, like(k, 4097, x));
    const high = k.sub(scaled, k.sub(scaled, x));
    return [high, k.sub(x, high)];
  };
  const [ah, al] = halves(a);
  const [bh, bl] = halves(b);
  const high = k.mul(a, b);
  const error = k.sub(k.sub(k.sub(high, k.mul(ah, bh)), k.mul(al, bh)), k.mul(ah, bl));
  return [high, k.sub(k.mul(al, bl), error)];
}

/** The rest of a / b of floats with the sign of a: whole multiples of b taken off exactly, the largest first. */
function floatRest(k: BodyBuilder, a: Value, b: Value): Value {
  const zero = like(k, 0, a);
  let rest = a;
  for (let step = 0; step < 3; step++) {
    const [high, low] = twoProduct(k, truncated(k, k.div(rest, b)), b);
    rest = k.sub(k.sub(rest, high), low);
  }
  const size = k.abs(b);
  const negative = k.cmp('lt', a, zero);
  const magnitude = k.select(negative, k.neg(rest), rest);
  const above = k.select(k.cmp('lt', magnitude, zero), k.add(magnitude, size), magnitude);
  const inside = k.select(k.cmp('ge', above, size), k.sub(above, size), above);
  return k.select(k.cmp('lt', k.abs(a), size), a, k.select(negative, k.neg(inside), inside));
}

/** The rest of a / b with the sign of a. */
export function rest(k: BodyBuilder, a: Value, b: Value): Value {
  return isFloat(elementOf(a)) ? floatRest(k, a, b) : k.sub(a, k.mul(divideIntegers(k, a, b), b));
}

/** The rest of a / b with the sign of b. */
export function floorRest(k: BodyBuilder, a: Value, b: Value): Value {
  const r = rest(k, a, b);
  if (isUnsigned(a)) return r;
  const zero = like(k, 0, r);
  const negative = (x: Value) => k.cmp('lt', x, zero);
  const differs = k.and(k.cmp('ne', r, zero), k.xor(negative(r), negative(b)));
  return k.select(differs, k.add(r, b), r);
}

/** a^b of floats: e^(b·ln |a|), within 1e−5 of its size, with the sign and the limits that belong to it. */
function floatPower(k: BodyBuilder, a: Value, b: Value): Value {
  const [zero, one] = [like(k, 0, a), like(k, 1, a)];
  const exponent = k.mul(b, logF32(k, k.abs(a)));
  const finite = k.select(k.cmp('lt', exponent, like(k, -103.5, a)), zero, expF32(k, exponent));
  const magnitude = k.select(k.cmp('gt', exponent, like(k, Math.fround(88.72284), a)), like(k, Infinity, a), finite);
  const half = k.mul(b, like(k, 0.5, a));
  const isOdd = k.cmp('ne', half, k.floor(half));
  const ofNegative = k.select(isOdd, k.neg(magnitude), magnitude);
  const isWhole = k.cmp('eq', b, k.floor(b));
  const negative = k.select(isWhole, ofNegative, like(k, Number.NaN, a));
  const value = k.select(k.cmp('lt', a, zero), negative, magnitude);
  return k.select(k.cmp('eq', b, zero), one, k.select(k.cmp('eq', a, one), one, value));
}

/** a^b of integers: squares and products, bit by bit of b; a negative power of anything but ±1 is 0. */
function integerPower(k: BodyBuilder, a: Value, b: Value): Value {
  const [zero, one] = [like(k, 0, a), like(k, 1, a)];
  const bit = (i: number) => k.cmp('ne', k.and(k.shr(b, i), one), zero);
  let [result, square] = [one, a];
  for (let i = 0; i < Math.min(31, bitsOf(elementOf(a)) - 1); i++) {
    result = k.select(bit(i), k.mul(result, square), result);
    square = k.mul(square, square);
  }
  if (isUnsigned(a)) return result;
  const isUnit = k.cmp('eq', k.mul(a, a), one);
  return k.select(k.cmp('lt', b, zero), k.select(isUnit, k.select(bit(0), a, one), zero), result);
}

/** a^b. */
export function power(k: BodyBuilder, a: Value, b: Value): Value {
  return isFloat(elementOf(a)) ? floatPower(k, a, b) : integerPower(k, a, b);
}

/** The smaller or larger of both; of 64-bit integers by comparison, as their lanes have no instruction. */
export function extremum(k: BodyBuilder, which: 'min' | 'max', a: Value, b: Value): Value {
  if (bitsOf(elementOf(a)) < 64) return which === 'min' ? k.min(a, b) : k.max(a, b);
  return k.select(k.cmp(which === 'min' ? 'lt' : 'gt', b, a), b, a);
}

/** a·2^b, or ⌊a / 2^b⌋, by any number of bits: those beyond the type's leave nothing but the sign. */
export function shifted(k: BodyBuilder, a: Value, b: Value, direction: 'left' | 'right'): Value {
  const bits = bitsOf(elementOf(a));
  const zero = like(k, 0, a);
  let value = a;
  for (let count = 1; count < bits; count *= 2) {
    const moved = direction === 'left' ? k.shl(value, count) : k.shr(value, count);
    value = k.select(k.cmp('ne', k.and(b, like(k, count, b)), zero), moved, value);
  }
  const sign = direction === 'right' && !isUnsigned(a) ? k.shr(a, bits - 1) : zero;
  const beyond = k.or(k.cmp('ge', b, like(k, bits, b)), k.cmp('lt', b, zero));
  return k.select(beyond, sign, value);
}
