/**
 * Pairs of f64 that together carry about 106 bits: value = hi + lo, |lo| ≤ ½ ulp(hi).
 * Error-free transformations of T. J. Dekker (1971) and D. E. Knuth; valid for magnitudes 2^−450..2^450.
 */

export interface DoubleDouble {
  readonly hi: number;
  readonly lo: number;
}

/** a + b exactly. */
export function twoSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  const bVirtual = hi - a;
  return { hi, lo: a - (hi - bVirtual) + (b - bVirtual) };
}

/** a + b exactly, for |a| ≥ |b|. */
function fastTwoSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  return { hi, lo: b - (hi - a) };
}

/** a·b exactly. */
export function twoProduct(a: number, b: number): DoubleDouble {
  const hi = a * b;
  const splitA = 134217729 * a;
  const aHigh = splitA - (splitA - a);
  const aLow = a - aHigh;
  const splitB = 134217729 * b;
  const bHigh = splitB - (splitB - b);
  const bLow = b - bHigh;
  return { hi, lo: aLow * bLow - (hi - aHigh * bHigh - aLow * bHigh - aHigh * bLow) };
}

/** x + y, relative error about 2^−104 unless they cancel. */
export function addPairs(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const sum = twoSum(x.hi, y.hi);
  return fastTwoSum(sum.hi, sum.lo + x.lo + y.lo);
}

/** x·y, relative error about 2^−102. */
export function multiplyPairs(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const product = twoProduct(x.hi, y.hi);
  return fastTwoSum(product.hi, product.lo + (x.hi * y.lo + x.lo * y.hi));
}

/** x/y, relative error about 2^−100. */
export function dividePairs(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const quotient = x.hi / y.hi;
  const back = twoProduct(quotient, y.hi);
  const rest = x.hi - back.hi - back.lo + x.lo - quotient * y.lo;
  return fastTwoSum(quotient, rest / y.hi);
}
