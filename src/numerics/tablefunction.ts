/**
 * Functions of one value as a table needs them: a value in f64, and the side of a tie on which the real value lies
 * where f64 is too coarse to tell.
 */

import * as elementary from './elementary.ts';
import { exp, log1p } from './elementary.ts';
import { add, compare, divide, multiply, type Rational, rational } from './rational.ts';

/** A real function for `unaryTable`. */
export interface TableFunction {
  /** f(x) in f64: ±∞ where f has a pole, NaN where it is not defined. */
  readonly value: (x: number) => number;
  /**
   * Sign of f(x) − y for the real f, asked only where value(x) is very near y. Left out where f64 arithmetic decides:
   * value(x) is exact, or f takes no value at a tie.
   */
  readonly side?: (x: number, y: number) => number;
}

/** A function whose real values are fractions of its inputs: decided in exact arithmetic. */
function fraction(value: (x: number) => number, exact: (x: Rational) => Rational): TableFunction {
  return { value, side: (x, y) => compare(exact(rational(x)), rational(y)) };
}

/**
 * A function that approaches a simple one (x, ±1, 0): near(x) is that one, exactly; rest(x) is f(x) − near(x),
 * accurate relative to itself. It never is zero, however large x: where it underflows, its sign decides.
 */
function asymptotic(
  value: (x: number) => number,
  near: (x: number) => number,
  rest: (x: number) => number,
  restSign: (x: number) => number,
): TableFunction {
  const side = (x: number, y: number): number => Math.sign(near(x) - y + rest(x)) || restSign(x);
  return { value, side };
}

const ZERO = rational(0);
const THREE = rational(3);
const SIX = rational(6);
const ONE = rational(1);
const positive = (x: Rational): boolean => x.n > 0n;
const min = (a: Rational, b: Rational): Rational => (compare(a, b) < 0 ? a : b);
const max = (a: Rational, b: Rational): Rational => (compare(a, b) > 0 ? a : b);
const absolute = (x: Rational): Rational => (x.n < 0n ? { n: -x.n, d: x.d } : x);

const whenPositive =
  (f: (x: number) => number) =>
  (x: number): number =>
    x > 0 ? f(x) : 0;

/** Functions that take values at x ≤ 0 themselves and run below the identity for x > 0: f(x) = x − gap(x). */
function belowIdentity(value: (x: number) => number, gap: (x: number) => number): TableFunction {
  return asymptotic(
    value,
    whenPositive((x) => x),
    (x) => (x > 0 ? -gap(x) : value(x)),
    (x) => (x === 0 ? 0 : -1),
  );
}

/** 1 − tanh(a) for a > 0. */
const tanhGap = (a: number): number => 2 / (exp(2 * a) + 1);

/** 1 − tanh(softplus(x)) = 2/((1 + e^x)² + 1). */
const mishGap = (x: number): number => (2 / ((1 + exp(x)) * (1 + exp(x)) + 1)) * x;

const GELU_TANH = (x: number): number => 1.5957691216057308 * (x + 0.044715 * (x * x * x));

/** x·σ(beta·x). */
export function siluFunction(beta: number): TableFunction {
  const width = Math.abs(beta);
  const rising = belowIdentity(
    (x) => elementary.silu(x, width),
    (x) => x * elementary.sigmoid(-width * x),
  );
  if (beta >= 0) return rising;
  // x·σ(−b·x) = −(−x)·σ(b·(−x))
  return { value: (x) => elementary.silu(x, beta), side: (x, y) => -(rising.side?.(-x, -y) ?? 0) };
}

/** Functions without parameters, by name. */
export const tableFunctions = {
  relu: { value: (x) => Math.max(x, 0) },
  relu6: { value: (x) => Math.min(Math.max(x, 0), 6) },
  identity: { value: (x) => x },
  abs: { value: Math.abs },
  neg: { value: (x) => 0 - x },
  sign: { value: Math.sign },
  floor: { value: Math.floor },
  ceil: { value: Math.ceil },
  square: fraction(
    (x) => x * x,
    (x) => multiply(x, x),
  ),
  reciprocal: fraction(
    (x) => (x === 0 ? Number.POSITIVE_INFINITY : 1 / x),
    (x) => divide(ONE, x),
  ),
  softsign: fraction(elementary.softsign, (x) => divide(x, add(ONE, absolute(x)))),
  hardswish: fraction(elementary.hardSwish, (x) => divide(multiply(x, max(ZERO, min(SIX, add(x, THREE)))), SIX)),
  sqrt: {
    value: Math.sqrt,
    side: (x, y) => (y < 0 ? 1 : compare(rational(x), multiply(rational(y), rational(y)))),
  },
  exp: { value: exp },
  log: { value: elementary.log },
  sin: { value: elementary.sin },
  cos: { value: elementary.cos },
  tan: { value: elementary.tan },
  sinh: { value: elementary.sinh },
  cosh: { value: elementary.cosh },
  asin: { value: elementary.asin },
  acos: { value: elementary.acos },
  atan: { value: elementary.atan },
  asinh: { value: elementary.asinh },
  acosh: { value: elementary.acosh },
  atanh: { value: elementary.atanh },
  rsqrt: { value: elementary.rsqrt },
  sigmoid: asymptotic(
    elementary.sigmoid,
    (x) => (x > 0 ? 1 : 0),
    (x) => (x > 0 ? -elementary.sigmoid(-x) : elementary.sigmoid(x)),
    (x) => -Math.sign(x),
  ),
  tanh: asymptotic(
    elementary.tanh,
    (x) => (Math.abs(x) < 1 ? 0 : Math.sign(x)),
    (x) => (Math.abs(x) < 1 ? elementary.tanh(x) : -Math.sign(x) * tanhGap(Math.abs(x))),
    (x) => -Math.sign(x),
  ),
  erf: asymptotic(
    elementary.erf,
    (x) => (Math.abs(x) < 1 ? 0 : Math.sign(x)),
    (x) => (Math.abs(x) < 1 ? elementary.erf(x) : -Math.sign(x) * elementary.erfc(Math.abs(x))),
    (x) => -Math.sign(x),
  ),
  gelu: belowIdentity(elementary.gelu, (x) => x * elementary.normalCdf(-x)),
  gelu_tanh: belowIdentity(elementary.geluTanh, (x) => x * elementary.sigmoid(-GELU_TANH(x))),
  silu: siluFunction(1),
  mish: belowIdentity(elementary.mish, mishGap),
  softplus: asymptotic(
    elementary.softplus,
    whenPositive((x) => x),
    (x) => log1p(exp(-Math.abs(x))),
    () => 1,
  ),
} satisfies Record<string, TableFunction>;

/** x for x > 0, else slope·x. */
export function leakyReluFunction(slope: number): TableFunction {
  const factor = rational(slope);
  return fraction(
    (x) => (x > 0 ? x : slope * x),
    (x) => (positive(x) ? x : multiply(factor, x)),
  );
}

/** min(max(x, low), high). */
export function clipFunction(low: number, high: number): TableFunction {
  return { value: (x) => Math.min(Math.max(x, low), high) };
}

/** clip(alpha·x + beta, 0, 1). */
export function hardSigmoidFunction(alpha: number, beta: number): TableFunction {
  const [a, b] = [rational(alpha), rational(beta)];
  return fraction(
    (x) => elementary.hardSigmoid(x, alpha, beta),
    (x) => max(ZERO, min(ONE, add(multiply(a, x), b))),
  );
}

/** x for x > 0, else alpha·(e^x − 1), which approaches −alpha. */
export function eluFunction(alpha: number): TableFunction {
  return asymptotic(
    (x) => elementary.elu(x, alpha),
    (x) => (x > 0 ? x : x > -1 ? 0 : -alpha),
    (x) => (x > 0 ? 0 : x > -1 ? elementary.elu(x, alpha) : alpha * exp(x)),
    (x) => (x > -1 ? 0 : Math.sign(alpha)),
  );
}

/** x^exponent: in exact arithmetic for whole exponents of magnitude ≤ 8. */
export function powerFunction(exponent: number): TableFunction {
  const value = (x: number): number => elementary.pow(x, exponent);
  if (Math.floor(exponent) !== exponent || Math.abs(exponent) > 8) return { value };
  return fraction(value, (x) => {
    let power = ONE;
    for (let i = 0; i < Math.abs(exponent); i++) power = multiply(power, x);
    return exponent < 0 ? divide(ONE, power) : power;
  });
}
