/** Requantization and number formats against the reference implementations of others. */
import { describe, expect, it } from 'vitest';
import {
  BF16,
  decodeE8M0,
  decodeFloat,
  encodeFloat,
  F4E2M1,
  F6E2M3,
  F6E3M2,
  F8E3M4,
  F8E4M3,
  F8E4M3B11FNUZ,
  F8E4M3FN,
  F8E4M3FNUZ,
  F8E5M2,
  F8E5M2FNUZ,
  F16,
  type FloatFormat,
  gemmlowpMultiplier,
  requantizeGemmlowp,
  requantizeHalfEvenF32,
  requantizeHalfUp,
  requantizeHalfUpWide,
  roundingDoublingHighMultiply,
  roundingShiftHalfAway,
} from '../../src/numerics/index.ts';
import { f32, haveVectors, vectorFile } from './contract.ts';

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;

describe.skipIf(!haveVectors)('requantization vectors of others (../shared/conformance/formats)', () => {
  it('gemmlowp primitives', () => {
    const vectors = vectorFile('tflite_gemmlowp.json');
    for (const [a, b, y] of vectors.SaturatingRoundingDoublingHighMul) {
      expect(roundingDoublingHighMultiply(a, b), `${a}·${b}`).toBe(y);
    }
    for (const [x, shift, y] of vectors.RoundingDivideByPOT) expect(roundingShiftHalfAway(x, shift)).toBe(y);
  });

  it('TensorFlow Lite multipliers', () => {
    for (const [real, m, shift] of vectorFile('tflite_gemmlowp.json').QuantizeMultiplier) {
      const actual = gemmlowpMultiplier(real);
      expect({ m: actual.m, shift: actual.m === 0 ? 0 : 31 - actual.s }, `${real}`).toEqual({ m, shift });
    }
  });

  it('TensorFlow Lite with double rounding is `gemmlowp`', () => {
    for (const [x, m, shift, y] of vectorFile('tflite_gemmlowp.json').MultiplyByQuantizedMultiplier_double_rounding) {
      expect(requantizeGemmlowp(x, m, 31 - shift, 0, MIN, MAX), `${x} ${m} ${shift}`).toBe(y);
    }
  });

  it('TensorFlow Lite with single rounding is `half-up`', () => {
    const vectors = vectorFile('tflite_single_rounding.json').MultiplyByQuantizedMultiplier_single_rounding;
    for (const [x, m, shift, y] of vectors) {
      expect(requantizeHalfUp(x, m, 31 - shift, 0, MIN, MAX), `${x} ${m} ${shift}`).toBe(y);
    }
  });

  it('TOSA apply_scale with single rounding is `half-up`', () => {
    const { apply_scale_32, apply_scale_16 } = vectorFile('tosa_rescale.json');
    for (const [x, m, s, y] of apply_scale_32) expect(requantizeHalfUp(x, m, s, 0, MIN, MAX)).toBe(y);
    for (const [x, m, s, y] of apply_scale_16) expect(requantizeHalfUpWide(x, m, s, 0, MIN, MAX)).toBe(y);
  });

  it('XNNPACK fp32 is `half-even-f32`', () => {
    for (const [x, scale, z, y, , zu, yu] of vectorFile('xnnpack_requant.json').cases) {
      expect(requantizeHalfEvenF32(x, f32(scale), z, -128, 127), `${x} ${scale}`).toBe(y);
      expect(requantizeHalfEvenF32(x, f32(scale), zu, 0, 255), `${x} ${scale}`).toBe(yu);
    }
  });
});

const formats: Record<string, FloatFormat> = {
  float8_e4m3fn: F8E4M3FN,
  float8_e5m2: F8E5M2,
  float8_e4m3: F8E4M3,
  float8_e4m3b11fnuz: F8E4M3B11FNUZ,
  float8_e3m4: F8E3M4,
  float8_e4m3fnuz: F8E4M3FNUZ,
  float8_e5m2fnuz: F8E5M2FNUZ,
  float6_e3m2fn: F6E3M2,
  float6_e2m3fn: F6E2M3,
  float4_e2m1fn: F4E2M1,
  bfloat16: BF16,
  float16: F16,
};

describe.skipIf(!haveVectors)('number formats against ml_dtypes (../shared/conformance/formats)', () => {
  it.each(Object.entries(formats))('%s', (name, format) => {
    const vectors = vectorFile('formats_ml_dtypes.json').formats[name];
    for (const [code, value] of (vectors.decode ?? []).entries()) {
      expect(Object.is(decodeFloat(code, format), parse(value)), `decode ${code}: ${value}`).toBe(true);
    }
    for (const [bits, code] of vectors.encode) {
      const expected = typeof code === 'string' ? Number.parseInt(code, 16) : code;
      if (Number.isNaN(f32(bits)) && format.specials === 'finite') continue;
      expect(encodeFloat(f32(bits), format), `encode ${bits} (${f32(bits)})`).toBe(expected);
    }
  });

  it('every 16-bit code decodes to a value that encodes to it', () => {
    for (const format of [F16, BF16]) {
      for (let code = 0; code < 65536; code++) {
        const value = decodeFloat(code, format);
        if (!Number.isNaN(value) && encodeFloat(value, format) !== code) expect.unreachable(`${code}`);
      }
    }
  });

  it('saturating encodings stay finite', () => {
    expect(decodeFloat(encodeFloat(1e9, F8E4M3FN, true), F8E4M3FN)).toBe(448);
    expect(decodeFloat(encodeFloat(Number.NEGATIVE_INFINITY, F8E5M2, true), F8E5M2)).toBe(-57344);
  });

  it('E8M0', () => {
    const { decode } = vectorFile('formats_ml_dtypes.json').formats.float8_e8m0fnu;
    for (const [code, value] of decode.entries()) expect(decodeE8M0(code)).toBe(parse(value));
  });
});

/** Values that JSON has no number for come as text. */
function parse(value: number | string): number {
  if (typeof value === 'number') return value;
  if (value.toLowerCase() === 'nan') return Number.NaN;
  if (value === '-0') return -0;
  return value.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
