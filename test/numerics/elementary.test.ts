/**
 * qc's elementary functions against the engine's (at a few ulp: the engine's are not correctly rounded either), and
 * erf against its series in BigInt.
 */
import { describe, expect, it } from 'vitest';
import { elementary } from '../../src/numerics/index.ts';
import { randomSource } from './contract.ts';

const view = new DataView(new ArrayBuffer(8));

/** Distance of x to the next f64 away from zero. */
function ulp(x: number): number {
  view.setFloat64(0, Math.abs(x));
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0) - Math.abs(x);
}

/** Error of `actual` in ulp of `expected`; 0 where they are the same bits. */
function ulps(actual: number, expected: number): number {
  if (Object.is(actual, expected)) return 0;
  const error = Math.abs(actual - expected) / ulp(expected);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

const EDGES = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 1e-300, -1e-300, 5e-324, 1e300, -1e300, 1e-17, 709.7, 710.5, -745, -746]
  .concat([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])
  .concat([1e22, 823550.4, -823549.2, 2 ** 60 * 1.1, Number.MAX_VALUE, 355, 0.75, 27.3, 22.5, 2 ** 28 + 1]);

/** Range of random arguments and tolerance in ulp. */
const FUNCTIONS = {
  exp: [-745, 710, 1],
  expm1: [-50, 710, 2],
  log: [0, 1e9, 1],
  log1p: [-1, 20, 2],
  sin: [-1e6, 1e6, 1],
  cos: [-1e6, 1e6, 1],
  tan: [-100, 100, 3],
  sinh: [-710, 710, 3],
  cosh: [-710, 710, 3],
  tanh: [-25, 25, 3],
  asin: [-1, 1, 4],
  acos: [-1, 1, 4],
  atan: [-100, 100, 2],
  asinh: [-1000, 1000, 3],
  acosh: [1, 1000, 3],
  atanh: [-1, 1, 3],
} as const;

describe('elementary functions', () => {
  it.each(Object.entries(FUNCTIONS))('%s', (name, [lo, hi, tolerance]) => {
    const own = elementary[name as keyof typeof FUNCTIONS];
    const engine = Math[name as keyof typeof FUNCTIONS];
    const random = randomSource(1);
    for (const x of EDGES) expect(ulps(own(x), engine(x)), `${name}(${x}) = ${own(x)}`).toBeLessThanOrEqual(tolerance);
    for (let i = 0; i < 30000; i++) {
      const wide = lo + (hi - lo) * random();
      const near = (lo < 0 ? wide / hi : wide) * 2 ** -Math.floor(random() * 40);
      for (const x of [wide, near]) {
        const error = ulps(own(x), engine(x));
        if (error > tolerance) expect.unreachable(`${name}(${x}) = ${own(x)}, not ${engine(x)}: ${error} ulp`);
      }
    }
  });

  it('pow', () => {
    const values = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e300, -1e300, 1e-300, 5e-324, 0.1, 64, 65, -65, 1e17, 2.5];
    const special = values.concat([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
    for (const x of special) {
      for (const y of special) {
        // C and ONNX give 1 where ECMAScript gives NaN.
        const one = x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY);
        const expected = one ? 1 : x ** y;
        expect(ulps(elementary.pow(x, y), expected), `${x}^${y} = ${elementary.pow(x, y)}`).toBeLessThanOrEqual(2);
      }
    }
    const random = randomSource(2);
    for (let i = 0; i < 50000; i++) {
      const x = Math.exp((random() - 0.5) * 30);
      const y = (random() - 0.5) * 40;
      if (ulps(elementary.pow(x, y), x ** y) > 2) expect.unreachable(`${x}^${y} = ${elementary.pow(x, y)}`);
    }
    for (let n = -20; n <= 20; n++) expect(elementary.pow(2, n)).toBe(2 ** n);
    for (let n = 0; n <= 33; n++) expect(elementary.pow(3, n)).toBe(Number(3n ** BigInt(n)));
  });

  it('erf and erfc against the series in BigInt', () => {
    const random = randomSource(3);
    for (let i = 0; i < 400; i++) {
      const x = i < 40 ? i / 8 : random() * 6;
      const exact = erfFixed(x);
      expect(ulps(elementary.erf(x), fixedToNumber(exact)), `erf(${x})`).toBeLessThanOrEqual(2);
      expect(ulps(elementary.erf(-x), -fixedToNumber(exact)), `erf(${-x})`).toBeLessThanOrEqual(2);
      expect(ulps(elementary.erfc(x), fixedToNumber(ONE - exact)), `erfc(${x})`).toBeLessThanOrEqual(8);
    }
    expect(elementary.erf(-0)).toBe(-0);
    expect([elementary.erf(40), elementary.erf(Number.NEGATIVE_INFINITY), elementary.erfc(40)]).toEqual([1, -1, 0]);
    expect(elementary.erf(Number.NaN)).toBeNaN();
  });

  it('activations', () => {
    const random = randomSource(4);
    for (let i = 0; i < 2000; i++) {
      const x = (random() - 0.5) * 12;
      const phi = fixedToNumber((ONE + erfFixed(x / Math.SQRT2)) / 2n);
      expect(Math.abs(elementary.gelu(x) - x * phi)).toBeLessThan(1e-14);
      expect(elementary.sigmoid(x)).toBeCloseTo(1 / (1 + Math.exp(-x)), 14);
      expect(elementary.silu(x)).toBeCloseTo(x / (1 + Math.exp(-x)), 13);
      expect(elementary.softplus(x)).toBeCloseTo(Math.log1p(Math.exp(x)), 13);
      expect(elementary.mish(x)).toBeCloseTo(x * Math.tanh(Math.log1p(Math.exp(x))), 13);
      const inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
      expect(elementary.geluTanh(x)).toBeCloseTo(0.5 * x * (1 + Math.tanh(inner)), 13);
      expect(elementary.elu(x, 0.7)).toBeCloseTo(x > 0 ? x : 0.7 * Math.expm1(x), 14);
      expect(elementary.celu(x, 2)).toBeCloseTo(Math.max(0, x) + Math.min(0, 2 * Math.expm1(x / 2)), 14);
    }
    for (const f of [elementary.gelu, elementary.geluTanh, elementary.silu, elementary.mish]) {
      expect(f(Number.NEGATIVE_INFINITY) + 0).toBe(0);
      expect(f(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
      expect(f(Number.NaN)).toBeNaN();
    }
  });
});

const BITS = 320n;
const ONE = 1n << BITS;

/** 2/√π in fixed point, from Machin's formula. */
const TWO_OVER_ROOT_PI = (() => {
  const atanInverse = (n: bigint): bigint => {
    let sum = 0n;
    let power = ONE / n;
    for (let i = 1n; power !== 0n; i += 2n, power /= -n * n) sum += power / i;
    return sum;
  };
  const pi = 4n * (4n * atanInverse(5n) - atanInverse(239n));
  let root = ONE;
  for (let i = 0; i < 400; i++) root = (root + (pi << BITS) / root) >> 1n;
  return (2n * ONE * ONE) / root;
})();

/** erf of an f64 of magnitude ≤ 8, its Maclaurin series in fixed point. */
function erfFixed(x: number): bigint {
  const scaled = (BigInt(Math.round(x * 2 ** 52)) << (BITS - 52n)) + 0n;
  const exact = x * 2 ** 52 === Math.round(x * 2 ** 52) ? scaled : BigInt(x * 2 ** 90) << (BITS - 90n);
  const square = (exact * exact) >> BITS;
  let power = exact;
  let sum = 0n;
  for (let n = 0n; power !== 0n && power !== -1n; n++) {
    sum += power / (2n * n + 1n);
    power = -((power * square) >> BITS) / (n + 1n);
  }
  return (sum * TWO_OVER_ROOT_PI) >> BITS;
}

/** Fixed point to f64, rounded once. */
function fixedToNumber(x: bigint): number {
  const bits = BigInt((x < 0n ? -x : x).toString(2).length);
  const drop = bits > 64n ? bits - 64n : 0n;
  return Number(x >> drop) * 2 ** Number(drop - BITS);
}
