import type { BodyBuilder, Value } from '../../src/ir/index.ts';

/**
 * Elementary functions of f32 in kernel primitives: only +, −, ·, /, comparisons and bit tricks, so that every
 * CPU target gives the same bits. Polynomials are least-squares fits on the reduced range; the errors stated
 * are measured over all f32 values by test/kernel/elementary.test.ts.
 */

const f = (k: BodyBuilder, like: Value, v: number) => k.constant(Math.fround(v), 'f32', like);

/** Horner's scheme, highest coefficient first. */
function polynomial(k: BodyBuilder, x: Value, coefficients: readonly number[]): Value {
  const [first, ...rest] = coefficients;
  return rest.reduce<Value>((sum, c) => k.add(k.mul(sum, x), f(k, x, c)), f(k, x, first as number));
}

/** 2^n for whole n in −126..127, made from its exponent bits. */
function exp2Int(k: BodyBuilder, n: Value): Value {
  const bits = k.shl(k.add(n, k.constant(127, 'i32', n)), 23);
  return k.bitcast(bits, 'f32');
}

/** e^x; x is clamped to [−87.3, 88.7], so the result is never subnormal and never infinite; within 2 ulp there. */
export function expF32(k: BodyBuilder, x: Value): Value {
  const clamped = k.min(k.max(x, f(k, x, -87.3)), f(k, x, 88.7));
  const n = k.roundEven(k.mul(clamped, f(k, x, Math.LOG2E)));
  // ln 2 in two parts (Cody and Waite): the first has 9 bits, so that n times it is exact
  const r = k.sub(k.sub(clamped, k.mul(n, f(k, x, 0.693359375))), k.mul(n, f(k, x, -2.1219444e-4)));
  const p = polynomial(k, r, [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5]);
  const e = k.add(k.add(k.mul(p, k.mul(r, r)), r), f(k, x, 1));
  // 2^n in two factors: n itself may reach 128
  const whole = k.convert(n, 'i32');
  const half = k.shr(whole, 1);
  return k.mul(k.mul(e, exp2Int(k, half)), exp2Int(k, k.sub(whole, half)));
}

/** 1 / (1 + e^−x). */
export function sigmoidF32(k: BodyBuilder, x: Value): Value {
  const one = f(k, x, 1);
  return k.div(one, k.add(one, expF32(k, k.neg(x))));
}

/** tanh x: x + x³·P(x²) below 0.625, 1 − 2/(e^2x + 1) above, with the sign of x. */
export function tanhF32(k: BodyBuilder, x: Value): Value {
  const a = k.abs(x);
  const one = f(k, x, 1);
  const large = k.sub(one, k.div(f(k, x, 2), k.add(expF32(k, k.add(a, a)), one)));
  const s = k.mul(x, x);
  const p = polynomial(
    k,
    s,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  );
  const small = k.add(k.mul(k.mul(p, s), x), x);
  const signed = k.select(k.cmp('lt', x, f(k, x, 0)), k.neg(large), large);
  return k.select(k.cmp('lt', a, f(k, x, 0.625)), small, signed);
}

/** ln x for x > 0; 0 gives −∞, negative numbers give NaN. */
export function logF32(k: BodyBuilder, x: Value): Value {
  const bits = k.bitcast(x, 'i32');
  // x = m · 2^e with m in [√½, √2)
  const shifted = k.sub(bits, k.constant(0x3f3504f3, 'i32', bits));
  const e = k.convert(k.shr(shifted, 23), 'f32');
  const m = k.bitcast(k.sub(bits, k.shl(k.shr(shifted, 23), 23)), 'f32');
  const t = k.sub(m, f(k, x, 1));
  const z = k.mul(t, t);
  const p = polynomial(
    k,
    t,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
      2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const y = k.sub(k.add(k.mul(k.mul(p, t), z), k.mul(e, f(k, x, -2.1219444e-4))), k.mul(z, f(k, x, 0.5)));
  const value = k.add(k.add(t, y), k.mul(e, f(k, x, 0.693359375)));
  const zero = f(k, x, 0);
  const finite = k.select(k.cmp('lt', x, f(k, x, Infinity)), value, x);
  const positive = k.select(k.cmp('eq', x, zero), f(k, x, -Infinity), finite);
  return k.select(k.cmp('lt', x, zero), f(k, x, Number.NaN), positive);
}

/** erf x by Abramowitz and Stegun 7.1.26; absolute error below 2e−7 in exact arithmetic, 5e−7 in f32. */
export function erfF32(k: BodyBuilder, x: Value): Value {
  const a = k.abs(x);
  const one = f(k, x, 1);
  const t = k.div(one, k.add(one, k.mul(a, f(k, x, 0.3275911))));
  const p = k.mul(polynomial(k, t, [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]), t);
  const y = k.sub(one, k.mul(p, expF32(k, k.neg(k.mul(a, a)))));
  return k.select(k.cmp('lt', x, f(k, x, 0)), k.neg(y), y);
}
