/**
 * Binary representation of floats: bit patterns, exponents, exact scaling by powers of two.
 * Everything goes through a DataView, so that the byte order of the machine plays no part.
 */

const view = new DataView(new ArrayBuffer(8));

/** Bit pattern of fl32(x), 0..2^32−1. */
export function f32Bits(x: number): number {
  view.setFloat32(0, x);
  return view.getUint32(0);
}

/** The f32 with the given bit pattern (0..2^32−1), widened exactly. */
export function f32FromBits(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** Sign of x as the sign bit says it: −1 for negative numbers and −0. */
export function signBit(x: number): -1 | 1 {
  view.setFloat64(0, x);
  return view.getInt8(0) < 0 ? -1 : 1;
}

const POWERS = buildPowers();

function buildPowers(): Float64Array {
  const powers = new Float64Array(1074 + 1024);
  let p = 1;
  for (let k = 0; k < 1024; k++, p *= 2) powers[k + 1074] = p;
  p = 1;
  for (let k = 0; k >= -1074; k--, p /= 2) powers[k + 1074] = p;
  return powers;
}

/** 2^k exactly, for integer k in −1074..1023. */
export function pow2(k: number): number {
  return POWERS[k + 1074] as number;
}

/**
 * x·2^k for integer k with a single rounding (underflow rounds half to even, overflow gives infinity).
 * x must be 0, not finite, or of magnitude 2^−60..2^60.
 */
export function scaleByPow2(x: number, k: number): number {
  if (k > 2200) return x * pow2(1023) * pow2(1023);
  if (k < -2200) return x * pow2(-1074) * pow2(-1074);
  let y = x;
  let rest = k;
  while (rest > 1000) {
    y *= pow2(940);
    rest -= 940;
  }
  // Stay clear of the subnormals until the last multiplication.
  while (rest < -1000) {
    y *= pow2(-900);
    rest += 900;
  }
  return y * pow2(rest);
}

/**
 * Splits a positive finite x into f·2^e with f in [½, 1). Exact, subnormals included.
 */
export function splitExponent(x: number): { f: number; e: number } {
  view.setFloat64(0, x);
  const biased = (view.getUint16(0) >> 4) & 0x7ff;
  if (biased === 0) {
    const { f, e } = splitExponent(x * pow2(60));
    return { f, e: e - 60 };
  }
  view.setUint16(0, (view.getUint16(0) & 0x800f) | (1022 << 4));
  return { f: view.getFloat64(0), e: biased - 1022 };
}
