/** Layer and RMS norm on integers: the reference, for clarity in BigInt (docs/numeric-contract.md, "Norms"). */

import { QcError } from '../support/diagnostics.ts';
import { pow2 } from './bits.ts';
import { inverseRoot } from './inverseroot.ts';
import { checkScale } from './multiplier.ts';
import { clamp, halfEven, halfUp } from './rounding.ts';

export type NormKind = 'layer' | 'rms';

/** What a norm is made of, in real numbers. */
export interface NormSpec {
  readonly kind: NormKind;
  /** Length of the normalised row. */
  readonly n: number;
  /** Width of the input codes. */
  readonly bits: 8 | 16;
  /** Scale of the input. */
  readonly S: number;
  readonly epsilon: number;
  /** n factors; `beta` has n terms, or is left out for zero. */
  readonly gamma: ArrayLike<number>;
  readonly beta?: ArrayLike<number>;
  /** Scale of the result. */
  readonly Sy: number;
  /** Layer name for messages. */
  readonly where?: string;
}

/** The integers that the compiler puts into an artifact. */
export interface NormConstants {
  readonly kind: NormKind;
  /** Right shift of y before squares are taken, 0 where V < 2^62 without it. */
  readonly t: number;
  /** ε'. */
  readonly epsilon: bigint;
  /** R = ⌊2^k/√V⌋. */
  readonly k: number;
  /** a = (y·R) >> j, j = k − 30. */
  readonly j: number;
  readonly s: number;
  readonly m: readonly number[];
  readonly B: readonly bigint[];
}

/** ε' in f64, products from the left: layer ε·n³/S², RMS 2^16·n·ε/S², both divided by 2^(2t). */
function realEpsilon({ kind, n, S, epsilon }: NormSpec, t: number): number {
  const real = kind === 'layer' ? (epsilon * n * n * n) / (S * S) : ((epsilon * n) / (S * S)) * 65536;
  return real * pow2(-2 * t);
}

/** An upper bound of Σ y² after the shift by t. */
function squaresBound({ kind, n, bits }: NormSpec, t: number): bigint {
  const D = bits === 16 ? 65535n : 255n;
  const N = BigInt(n);
  if (t === 0) return kind === 'layer' ? (N * N * N * D * D) / 4n : N * D * D * 65536n;
  const largest = kind === 'layer' ? N * D : 256n * D;
  const shifted = (largest >> BigInt(t)) + 1n;
  return N * shifted * shifted;
}

/** Smallest b with bound < 4^b. */
function quarterBits(bound: bigint): number {
  return Math.floor(bound.toString(2).length / 2) + (bound === 0n ? 0 : bound.toString(2).length % 2);
}

/**
 * The integers of a norm.
 * @throws QcError where a scale is not a scale, or gamma or beta are too large for the result's scale
 */
export function normConstants(spec: NormSpec): NormConstants {
  const { kind, n, gamma, beta, S, Sy, where } = spec;
  checkScale(S, where);
  checkScale(Sy, where);
  let t = 0;
  const limit = 1n << 62n;
  const bound = (): bigint => {
    const real = realEpsilon(spec, t);
    return real < 2 ** 62 ? squaresBound(spec, t) + BigInt(halfUp(real)) : limit;
  };
  while (bound() >= limit) t++;
  const b = quarterBits(bound());
  const k = Math.min(62, b + 24);
  const root = Math.sqrt(n);
  const g = Array.from({ length: n }, (_, i) => ((Math.abs(gamma[i] as number) * root) / Sy) * pow2(-30));
  const h = Array.from({ length: n }, (_, i) => (beta?.[i] ?? 0) / Sy);
  for (let s = 62; s >= 2; s--) {
    const scale = pow2(s);
    const magnitudes = g.map((x) => halfUp(x * scale));
    const offsets = h.map((x) => halfEven(x * scale));
    if (!magnitudes.every((m) => m < 2 ** 31) || !offsets.every((x) => Math.abs(x) <= 2 ** 61)) continue;
    const m = magnitudes.map((x, i) => ((gamma[i] as number) < 0 ? 0 - x : x));
    return { kind, t, epsilon: BigInt(halfUp(realEpsilon(spec, t))), k, j: k - 30, s, m, B: offsets.map(BigInt) };
  }
  throw new QcError({
    what: 'the factors of a normalisation are too large for the scale of its result',
    where,
    why: 'a factor or an offset is NaN, infinite, or beyond 2^59 steps of the result',
    help: 'calibrate the result of this layer again',
  });
}

/** y of every code: layer n·x − Σx, RMS 2^8·(x − z); then the shift by t. */
function centred(x: ArrayLike<number>, z: number, kind: NormKind, t: number): bigint[] {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += x[i] as number;
  return Array.from(x, (xi) => BigInt(kind === 'layer' ? n * xi - sum : 256 * (xi - z)) >> BigInt(t));
}

/** V = Σ y² + ε' of one row. */
export function normV(x: ArrayLike<number>, z: number, constants: NormConstants): bigint {
  const y = centred(x, z, constants.kind, constants.t);
  return y.reduce((V, yi) => V + yi * yi, constants.epsilon);
}

/**
 * One row of a norm: out_i = clamp(((a_i·m_i + B_i + 2^(s−1)) >> s) + zy), a_i = (y_i·R) >> j, R = ⌊2^k/√V⌋ or 0.
 * @param x n codes; @param z their zero point (a layer norm does not need it)
 */
export function normRow(
  x: ArrayLike<number>,
  z: number,
  constants: NormConstants,
  zy: number,
  qmin: number,
  qmax: number,
): number[] {
  const { kind, t, epsilon, k, j, s, m, B } = constants;
  const y = centred(x, z, kind, t);
  const V = y.reduce((sum, yi) => sum + yi * yi, epsilon);
  const R = inverseRoot(V, k);
  return y.map((yi, i) => {
    const a = (yi * R) >> BigInt(j);
    const sum = a * BigInt(m[i] as number) + (B[i] as bigint) + (1n << BigInt(s - 1));
    return clamp(Number(sum >> BigInt(s)) + zy, qmin, qmax);
  });
}
