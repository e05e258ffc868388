import { affine, type QuantType } from '../../src/ir/index.ts';
import { chooseActivationParams, F32_MIN_NORMAL } from '../../src/numerics/index.ts';

/** The type of 8-bit codes for values of [min, max], one scale and zero point for all. */
export function activationType(min: number, max: number, where?: string): QuantType {
  const { scale, zeroPoint } = chooseActivationParams(min, max, 8, where);
  return affine('i8', scale, zeroPoint);
}

/** The type of a constant that is quantized like an activation: its range is what it holds. */
export function constantType(numbers: Float32Array, where?: string): QuantType {
  const low = numbers.reduce((a, b) => Math.min(a, b), 0);
  const high = numbers.reduce((a, b) => Math.max(a, b), 0);
  return activationType(low, high, where);
}

/** The type of 16-bit codes, whose zero point is 0. @param limit the largest magnitude that a code stands for */
export function raisedType(limit: number): QuantType {
  return affine('i16', Math.max(Math.fround(limit / (2 ** 15 - 1)), F32_MIN_NORMAL));
}

/**
 * The type of a factor of a computed product: 16-bit codes without zero point, so few of them that the sum of `depth` products of
 * two such codes stays below 2^30.
 * @param limit the largest magnitude that a code stands for
 */
export function wideType(limit: number, depth: number): QuantType {
  const most = Math.min(2 ** 15 - 1, Math.floor(Math.sqrt(2 ** 30 / depth)));
  return affine('i16', Math.max(Math.fround(limit / most), F32_MIN_NORMAL));
}
