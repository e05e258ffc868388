import { pow2 } from '../bits.ts';
import { decodeFloat, encodeFloat, F4E2M1, F6E2M3, F6E3M2, F8E4M3FN, F8E5M2, type FloatFormat } from '../floats.ts';
import type { Grid } from './grid.ts';

/** The numbers of a small float format; beyond the largest finite one, that one. NaN and infinity are read only. */
export function floatGrid(name: string, format: FloatFormat): Grid {
  const bits = 1 + format.exponentBits + format.mantissaBits;
  return {
    name,
    bits,
    largest: largestOf(format),
    encode: (x) => encodeFloat(x, format, true),
    decode: (code) => decodeFloat(code, format),
  };
}

function largestOf(format: FloatFormat): number {
  return decodeFloat(encodeFloat(Number.MAX_VALUE, format, true), format);
}

/** The small floats of the OCP specifications. */
export const smallFloats = { e2m1: F4E2M1, e2m3: F6E2M3, e3m2: F6E3M2, e4m3: F8E4M3FN, e5m2: F8E5M2 } as const;
export type SmallFloat = keyof typeof smallFloats;

export const e2m1: Grid = floatGrid('e2m1', F4E2M1);
export const e2m3: Grid = floatGrid('e2m3', F6E2M3);
export const e3m2: Grid = floatGrid('e3m2', F6E3M2);
export const e4m3: Grid = floatGrid('e4m3', F8E4M3FN);
export const e5m2: Grid = floatGrid('e5m2', F8E5M2);
export const smallGrids: Readonly<Record<SmallFloat, Grid>> = { e2m1, e2m3, e3m2, e4m3, e5m2 };

/** Any sign-exponent-mantissa format without infinity and NaN. `bias` may be any integer. */
export function miniFloat(exponentBits: number, mantissaBits: number, bias = 2 ** (exponentBits - 1) - 1): FloatFormat {
  return { exponentBits, mantissaBits, bias, specials: 'finite' };
}

/**
 * The format of `bits` bits that stores the values with the smallest squared error, without a scale: every split into
 * exponent and mantissa is tried with the biases that put its largest number within a factor of 4 of the largest value.
 * @param bits 3..8
 */
export function searchFloat(values: ArrayLike<number>, bits: number): FloatFormat {
  let absmax = 0;
  for (let i = 0; i < values.length; i++) absmax = Math.max(absmax, Math.abs(values[i] as number));
  let best = miniFloat(1, bits - 2);
  let least = Number.POSITIVE_INFINITY;
  for (let exponentBits = 1; exponentBits <= bits - 1; exponentBits++) {
    const plain = miniFloat(exponentBits, bits - 1 - exponentBits);
    const shift = absmax > 0 ? exponentAbove(largestOf(plain) / absmax) : 0;
    for (let step = -2; step <= 2; step++) {
      const format = { ...plain, bias: plain.bias + shift + step };
      const error = squaredError(values, format);
      if (error < least) {
        least = error;
        best = format;
      }
    }
  }
  return best;
}

/** The smallest k with 2^k ≥ x. */
function exponentAbove(x: number): number {
  let k = 0;
  while (pow2(k) < x) k++;
  while (pow2(k - 1) >= x) k--;
  return k;
}

function squaredError(values: ArrayLike<number>, format: FloatFormat): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number;
    const difference = x - decodeFloat(encodeFloat(x, format, true), format);
    sum += difference * difference;
  }
  return sum;
}
