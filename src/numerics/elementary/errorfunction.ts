/**
 * erf, erfc and the normal distribution function in f64 from + − · / alone.
 * Method: the Maclaurin series up to |x| < 0.75; beyond, erfc(x) = t·e^(−x²)·P(2t − 1) with t = 2/(2 + x), where P is
 * a Chebyshev series (the variable of M. Shepherd & J. Laframboise, Math. Comp. 36, 1981).
 */

import { exp, expOfSum } from './exponential.ts';

/** Chebyshev coefficients of e^(x²)·erfc(x)/t, interpolated at 64 nodes with 60 digits; the rest is below 2^−61. */
const ERFC_CHEBYSHEV = [
  0.5770337386164697, 0.3554369212704985, 0.06509515882878653, 0.003671142395836639, -0.0011128447433526325,
  -0.0001607582991537808, 3.278031574173137e-5, 5.442441645505016e-6, -1.5154665553171482e-6, -1.4297608181169865e-7,
  8.234608827419493e-8, -1.2962846852306563e-9, -4.154721631015199e-9, 6.347058278362811e-10, 1.4320822712256225e-10,
  -6.160390105204585e-11, 2.0612138554721698e-12, 3.5714931488477042e-12, -8.586422843251796e-13, -6.14560021379063e-14,
  7.418725748596617e-14, -1.2895042755032325e-14, -2.358726385710632e-15, 1.5729349381685912e-15,
  -2.2782966239546465e-16, -6.31233045075643e-17, 3.5916763531814925e-17, -5.049809149847729e-18,
];

/** 2/√π − 1 and 2/√π. */
const TWO_OVER_ROOT_PI_MINUS_ONE = 0.1283791670955126;
const TWO_OVER_ROOT_PI = 1.1283791670955126;

/** −1/(1!·3), 1/(2!·5), …: the remainder at x² ≤ 0.5625 is below 2^−64. */
const ERF_SERIES = erfSeries(18);

function erfSeries(terms: number): number[] {
  const series: number[] = [];
  let factorial = 1;
  for (let n = 1; n <= terms; n++) {
    factorial *= n;
    series.push((n % 2 === 0 ? 1 : -1) / (factorial * (2 * n + 1)));
  }
  return series;
}

function erfSmall(x: number): number {
  const z = x * x;
  let sum = 0;
  for (let i = ERF_SERIES.length - 1; i >= 0; i--) sum = sum * z + (ERF_SERIES[i] as number);
  return x + x * (TWO_OVER_ROOT_PI_MINUS_ONE + TWO_OVER_ROOT_PI * (z * sum));
}

/** e^(−x²), with the rounding of x² made good. */
function expOfMinusSquare(x: number): number {
  const coarse = Math.fround(x);
  const rest = (x - coarse) * (x + coarse);
  return expOfSum(-(coarse * coarse), 0) * exp(-rest);
}

/** erfc for x ≥ 0.75, by Clenshaw's recurrence. */
function erfcLarge(x: number): number {
  if (x > 27.3) return 0;
  const t = 2 / (2 + x);
  const u = 4 * t - 2;
  let b1 = 0;
  let b2 = 0;
  for (let i = ERFC_CHEBYSHEV.length - 1; i > 0; i--) {
    const b0 = u * b1 - b2 + (ERFC_CHEBYSHEV[i] as number);
    b2 = b1;
    b1 = b0;
  }
  const series = 0.5 * u * b1 - b2 + (ERFC_CHEBYSHEV[0] as number);
  return t * series * expOfMinusSquare(x);
}

/** The error function. Error below 2 ulp; erf(±∞) = ±1, erf(±0) = ±0. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x) || a === 0) return x;
  if (a < 0.75) return erfSmall(x);
  const y = 1 - erfcLarge(a);
  return x < 0 ? -y : y;
}

/** 1 − erf(x) without cancellation. Error below 8 ulp. */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < -0.75) return 2 - erfcLarge(-x);
  return x < 0.75 ? 1 - erfSmall(x) : erfcLarge(x);
}

/** Distribution function of the standard normal, Φ(x). Relative error below (8 + x²) ulp. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}
