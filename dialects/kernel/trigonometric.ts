import type { BodyBuilder, Value } from '../../src/ir/index.ts';
import { expF32, logF32 } from './elementary.ts';

/**
 * Circular and hyperbolic functions of f32 in kernel primitives. Ranges and polynomials are those of Cephes
 * (S. Moshier, single precision); the bounds stated are checked by test/differential/trigonometric.test.ts.
 */

const f = (k: BodyBuilder, like: Value, v: number) => k.constant(Math.fround(v), 'f32', like);

/** Horner's scheme, highest coefficient first. */
function polynomial(k: BodyBuilder, x: Value, coefficients: readonly number[]): Value {
  const [first, ...rest] = coefficients;
  return rest.reduce<Value>((sum, c) => k.add(k.mul(sum, x), f(k, x, c)), f(k, x, first as number));
}

/** x·z·P(z) + x, z = x² where it is not given. */
function odd(k: BodyBuilder, x: Value, coefficients: readonly number[], z = k.mul(x, x)): Value {
  return k.add(k.mul(k.mul(polynomial(k, z, coefficients), z), x), x);
}

/** `value` ≥ 0 with the sign of x. */
const signed = (k: BodyBuilder, x: Value, value: Value) => k.select(k.cmp('lt', x, f(k, x, 0)), k.neg(value), value);

/** sin and cos of x − n·π/2, and n: π/2 is taken off in three parts, whose first products with n are exact. */
function reduced(k: BodyBuilder, x: Value): { sine: Value; cosine: Value; quadrant: Value } {
  const n = k.roundEven(k.mul(x, f(k, x, 2 / Math.PI)));
  const part = (rest: Value, c: number) => k.sub(rest, k.mul(n, f(k, x, c)));
  const rest = part(part(part(x, 1.5703125), 4.837512969970703e-4), 7.549789948768648e-8);
  const limit = Math.PI / 4 + 0.01;
  const r = k.max(k.min(rest, f(k, x, limit)), f(k, x, -limit));
  const z = k.mul(r, r);
  const sine = odd(k, r, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], z);
  const curve = k.mul(polynomial(k, z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]), z);
  const cosine = k.add(k.mul(k.sub(curve, f(k, x, 0.5)), z), f(k, x, 1));
  return { sine, cosine, quadrant: k.convert(n, 'i32') };
}

const hasBit = (k: BodyBuilder, n: Value, bit: number) =>
  k.cmp('ne', k.and(n, k.constant(bit, 'i32', n)), k.constant(0, 'i32', n));

/** sin x, within 2e−6 for |x| ≤ 1e5; larger x are known to less than that themselves. */
export function sinF32(k: BodyBuilder, x: Value): Value {
  const { sine, cosine, quadrant } = reduced(k, x);
  const value = k.select(hasBit(k, quadrant, 1), cosine, sine);
  return k.select(hasBit(k, quadrant, 2), k.neg(value), value);
}

/** cos x, within 2e−6 for |x| ≤ 1e5. */
export function cosF32(k: BodyBuilder, x: Value): Value {
  const { sine, cosine, quadrant } = reduced(k, x);
  const value = k.select(hasBit(k, quadrant, 1), sine, cosine);
  const next = k.add(quadrant, k.constant(1, 'i32', quadrant));
  return k.select(hasBit(k, next, 2), k.neg(value), value);
}

/** tan x: the quotient of sine and cosine. */
export function tanF32(k: BodyBuilder, x: Value): Value {
  const { sine, cosine, quadrant } = reduced(k, x);
  return k.select(hasBit(k, quadrant, 1), k.neg(k.div(cosine, sine)), k.div(sine, cosine));
}

/** arcsin a for 0 ≤ a ≤ 0.5, and arcsin √((1 − a)/2) above; NaN for a > 1. */
function arcsineParts(k: BodyBuilder, a: Value): { large: Value; part: Value } {
  const large = k.cmp('gt', a, f(k, a, 0.5));
  const z = k.select(large, k.mul(f(k, a, 0.5), k.sub(f(k, a, 1), a)), k.mul(a, a));
  const t = k.select(large, k.sqrt(z), a);
  const coefficients = [4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1];
  return { large, part: odd(k, t, coefficients, z) };
}

/** arcsin x, within 5e−7; NaN for |x| > 1. */
export function asinF32(k: BodyBuilder, x: Value): Value {
  const { large, part } = arcsineParts(k, k.abs(x));
  return signed(k, x, k.select(large, k.sub(f(k, x, Math.PI / 2), k.add(part, part)), part));
}

/** arccos x, within 5e−7; NaN for |x| > 1. */
export function acosF32(k: BodyBuilder, x: Value): Value {
  const { large, part } = arcsineParts(k, k.abs(x));
  const twice = k.add(part, part);
  const far = k.select(k.cmp('lt', x, f(k, x, 0)), k.sub(f(k, x, Math.PI), twice), twice);
  return k.select(large, far, k.sub(f(k, x, Math.PI / 2), signed(k, x, part)));
}

/** arctan x, within 5e−7. */
export function atanF32(k: BodyBuilder, x: Value): Value {
  const a = k.abs(x);
  const one = f(k, x, 1);
  const far = k.cmp('gt', a, f(k, x, 2.414213562373095));
  const middle = k.cmp('gt', a, f(k, x, 0.4142135623730951));
  const near = k.select(middle, k.div(k.sub(a, one), k.add(a, one)), a);
  const r = k.select(far, k.neg(k.div(one, a)), near);
  const offset = k.select(far, f(k, x, Math.PI / 2), k.select(middle, f(k, x, Math.PI / 4), f(k, x, 0)));
  const coefficients = [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1];
  return signed(k, x, k.add(offset, odd(k, r, coefficients)));
}

/** sinh x, within 2e−6 of its size. */
export function sinhF32(k: BodyBuilder, x: Value): Value {
  const a = k.abs(x);
  const half = expF32(k, k.sub(a, f(k, x, Math.LN2)));
  const large = signed(k, x, k.sub(half, k.div(f(k, x, 0.25), half)));
  const small = odd(k, x, [2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1]);
  return k.select(k.cmp('gt', a, f(k, x, 1)), large, small);
}

/** cosh x, within 2e−6 of its size. */
export function coshF32(k: BodyBuilder, x: Value): Value {
  const half = expF32(k, k.sub(k.abs(x), f(k, x, Math.LN2)));
  return k.add(half, k.div(f(k, x, 0.25), half));
}

/** arsinh x, within 1e−6 of its size. */
export function asinhF32(k: BodyBuilder, x: Value): Value {
  const a = k.abs(x);
  const root = k.sqrt(k.add(k.mul(a, a), f(k, x, 1)));
  const huge = k.add(logF32(k, a), f(k, x, Math.LN2));
  const large = k.select(k.cmp('gt', a, f(k, x, 1500)), huge, logF32(k, k.add(a, root)));
  const small = odd(k, x, [2.0122003309e-2, -4.2699340972e-2, 7.4847586088e-2, -1.6666288134e-1]);
  return k.select(k.cmp('gt', a, f(k, x, 0.5)), signed(k, x, large), small);
}

/** arcosh x, within 1e−6 of its size; NaN for x < 1. */
export function acoshF32(k: BodyBuilder, x: Value): Value {
  const t = k.sub(x, f(k, x, 1));
  const coefficients = [1.7596881071e-3, -7.5272886713e-3, 2.6454905019e-2, -1.1784741703e-1, 1.4142135263];
  const near = k.mul(k.sqrt(t), polynomial(k, t, coefficients));
  const root = k.sqrt(k.mul(t, k.add(x, f(k, x, 1))));
  const huge = k.add(logF32(k, x), f(k, x, Math.LN2));
  const far = k.select(k.cmp('gt', x, f(k, x, 1500)), huge, logF32(k, k.add(x, root)));
  return k.select(k.cmp('lt', t, f(k, x, 0.5)), near, far);
}

/** artanh x, within 1e−6 of its size; NaN for |x| > 1. */
export function atanhF32(k: BodyBuilder, x: Value): Value {
  const one = f(k, x, 1);
  const coefficients = [1.81740078349e-1, 8.2437030105e-2, 1.4669143173e-1, 1.997821645e-1, 3.33337300303e-1];
  const small = odd(k, x, coefficients);
  const large = k.mul(f(k, x, 0.5), logF32(k, k.div(k.add(one, x), k.sub(one, x))));
  return k.select(k.cmp('lt', k.abs(x), f(k, x, 0.5)), small, large);
}
