/**
 * Small float formats, encoded with one rounding half to even and decoded exactly: f16, bf16, the OCP 8-, 6- and 4-bit
 * formats and the block scale E8M0. ("OCP 8-bit Floating Point Specification 1.0", "OCP Microscaling Formats 1.0";
 * the fnuz variants of ONNX.)
 */

import { pow2, signBit, splitExponent } from './bits.ts';
import { halfEven } from './rounding.ts';

/** What the codes above the largest finite one mean: infinity and NaN, one NaN, NaN in place of −0, nothing. */
type Specials = 'ieee' | 'fn' | 'fnuz' | 'finite';

/** A sign bit, `exponentBits`, `mantissaBits`. */
export interface FloatFormat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  readonly specials: Specials;
}

const format = (exponentBits: number, mantissaBits: number, bias: number, specials: Specials): FloatFormat => ({
  exponentBits,
  mantissaBits,
  bias,
  specials,
});

export const F16 = format(5, 10, 15, 'ieee');
export const BF16 = format(8, 7, 127, 'ieee');
export const F8E4M3FN = format(4, 3, 7, 'fn');
export const F8E5M2 = format(5, 2, 15, 'ieee');
export const F8E4M3FNUZ = format(4, 3, 8, 'fnuz');
export const F8E5M2FNUZ = format(5, 2, 16, 'fnuz');
export const F8E4M3 = format(4, 3, 7, 'ieee');
export const F8E4M3B11FNUZ = format(4, 3, 11, 'fnuz');
export const F8E3M4 = format(3, 4, 3, 'ieee');
export const F6E3M2 = format(3, 2, 3, 'finite');
export const F6E2M3 = format(2, 3, 1, 'finite');
export const F4E2M1 = format(2, 1, 1, 'finite');

/** Code of the largest finite value, without sign. */
function largestCode({ exponentBits, mantissaBits, specials }: FloatFormat): number {
  const all = 2 ** (exponentBits + mantissaBits) - 1;
  if (specials === 'ieee') return all - 2 ** mantissaBits;
  return specials === 'fn' ? all - 1 : all;
}

/** The exact value of a code. */
export function decodeFloat(code: number, f: FloatFormat): number {
  const signWeight = 2 ** (f.exponentBits + f.mantissaBits);
  const negative = code >= signWeight;
  const magnitude = negative ? code - signWeight : code;
  if (f.specials === 'fnuz' && negative && magnitude === 0) return Number.NaN;
  let value: number;
  if (magnitude > largestCode(f)) {
    value = f.specials === 'ieee' && magnitude === largestCode(f) + 1 ? Number.POSITIVE_INFINITY : Number.NaN;
  } else {
    const exponent = Math.floor(magnitude * pow2(-f.mantissaBits));
    const mantissa = magnitude - exponent * 2 ** f.mantissaBits;
    value =
      exponent === 0
        ? mantissa * pow2(1 - f.bias - f.mantissaBits)
        : (mantissa + 2 ** f.mantissaBits) * pow2(exponent - f.bias - f.mantissaBits);
  }
  return negative ? -value : value;
}

/**
 * The code nearest to x, ties to even.
 * @param saturate values beyond the largest finite one take it; otherwise they become infinity, or NaN where the
 *   format has none ('finite' formats always saturate, and give +0 for NaN)
 */
export function encodeFloat(x: number, f: FloatFormat, saturate = false): number {
  const signWeight = signBit(x) < 0 ? 2 ** (f.exponentBits + f.mantissaBits) : 0;
  const largest = largestCode(f);
  if (Number.isNaN(x)) return nanCode(f, signWeight);
  const magnitude = Math.abs(x);
  let code = 0;
  if (magnitude === Number.POSITIVE_INFINITY) {
    code = largest + 1;
  } else if (magnitude > 0) {
    const exponent = Math.max(splitExponent(magnitude).e - 1, 1 - f.bias);
    const quanta = halfEven((magnitude / pow2(exponent)) * 2 ** f.mantissaBits);
    code = (exponent + f.bias - 1) * 2 ** f.mantissaBits + quanta;
  }
  if (code <= largest) return f.specials === 'fnuz' && code === 0 ? 0 : signWeight + code;
  if (saturate || f.specials === 'finite') return signWeight + largest;
  return f.specials === 'ieee' ? signWeight + largest + 1 : nanCode(f, signWeight);
}

function nanCode(f: FloatFormat, signWeight: number): number {
  if (f.specials === 'finite') return 0;
  if (f.specials === 'fnuz') return 2 ** (f.exponentBits + f.mantissaBits);
  const top = largestCode(f);
  return signWeight + (f.specials === 'fn' ? top + 1 : top + 1 + 2 ** (f.mantissaBits - 1));
}

/** Bits of the f16 nearest to x, ties to even; overflow gives infinity. */
export function encodeF16(x: number): number {
  return encodeFloat(x, F16);
}

/** Value of f16 bits. */
export function decodeF16(bits: number): number {
  return decodeFloat(bits, F16);
}

/** Bits of the bf16 nearest to x, ties to even; overflow gives infinity. */
export function encodeBf16(x: number): number {
  return encodeFloat(x, BF16);
}

/** Value of bf16 bits. */
export function decodeBf16(bits: number): number {
  return decodeFloat(bits, BF16);
}

/** Value of a block scale E8M0: 2^(code − 127); 255 is NaN. */
export function decodeE8M0(code: number): number {
  return code === 255 ? Number.NaN : pow2(code - 127);
}
