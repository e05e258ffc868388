import { clamp, halfEven } from '../rounding.ts';
import type { Grid } from './grid.ts';

/**
 * Symmetric two's complement integers: −top..top with top = 2^(bits−1) − 1. The code −2^(bits−1) is read, and never
 * made.
 * @param bits 2..8
 */
export function integerGrid(bits: number): Grid {
  const [half, all] = [2 ** (bits - 1), 2 ** bits];
  return {
    name: `i${bits}`,
    bits,
    largest: half - 1,
    encode(x) {
      const code = clamp(halfEven(x), 1 - half, half - 1);
      // −0 becomes 0
      return code < 0 ? code + all : code + 0;
    },
    decode: (code) => (code < half ? code : code - all),
  };
}

/** Unsigned integers 0..2^bits − 1, for values that a zero point shifts. @param bits 1..8 */
export function unsignedGrid(bits: number): Grid {
  const top = 2 ** bits - 1;
  return {
    name: `u${bits}`,
    bits,
    largest: top,
    encode: (x) => clamp(halfEven(x), 0, top),
    decode: (code) => code,
  };
}

/**
 * Fixed-point integers of the microscaled formats: codes of `integerGrid` in units of 2^−(bits−2), so that the largest
 * magnitude lies just below 2. Source: OCP Microscaling Formats 1.0, section 5.3.4 (MXINT8).
 */
export function fixedPointGrid(bits: number): Grid {
  const integers = integerGrid(bits);
  const unit = 2 ** (bits - 2);
  return {
    name: `fixed${bits}`,
    bits,
    largest: integers.largest / unit,
    encode: (x) => integers.encode(x * unit),
    decode: (code) => integers.decode(code) / unit,
  };
}
