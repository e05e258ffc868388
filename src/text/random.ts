import { bitsOf, integerRange, isInteger, Resource } from '../ir/index.ts';
import {
  BF16,
  encodeFloat,
  F4E2M1,
  F8E4M3FN,
  F8E4M3FNUZ,
  F8E5M2,
  F8E5M2FNUZ,
  F16,
  type FloatFormat,
} from '../numerics/index.ts';
import { type DType, elementBytes, typedArrayOf } from '../support/tensor.ts';

/** Smallest and largest value of a random resource. */
export interface RandomRange {
  readonly low: number;
  readonly high: number;
}

/** Formats of the float types that are kept as bit patterns. */
export const floatFormats: Partial<Record<DType, FloatFormat>> = {
  f16: F16,
  bf16: BF16,
  f8e4m3fn: F8E4M3FN,
  f8e4m3fnuz: F8E4M3FNUZ,
  f8e5m2: F8E5M2,
  f8e5m2fnuz: F8E5M2FNUZ,
  f4e2m1: F4E2M1,
};

/**
 * A constant whose values don't matter: uniform in `range`, the same for the same seed. Default ranges: [-1, 1)
 * for floats, all codes of integers up to 8 bits, [-128, 127] or [0, 255] for wider integers.
 */
export class RandomResource extends Resource {
  readonly seed: number;
  readonly range: RandomRange | undefined;

  constructor(name: string, element: DType, length: number, seed: number, range?: RandomRange) {
    let bytes: Uint8Array | undefined;
    super(name, element, length, () => {
      bytes ??= fill(element, length, seed, range ?? defaultRange(element));
      return bytes;
    });
    this.seed = seed;
    this.range = range;
  }
}

function defaultRange(element: DType): RandomRange {
  if (element === 'f8e8m0') return { low: 120, high: 127 };
  if (!isInteger(element)) return { low: -1, high: 1 };
  const [low, high] = integerRange(bitsOf(element) <= 8 ? element : element.startsWith('u') ? 'u8' : 'i8');
  return { low, high };
}

function fill(element: DType, length: number, seed: number, { low, high }: RandomRange): Uint8Array {
  const array = typedArrayOf(element);
  const data = new array((length * elementBytes(element)) / array.BYTES_PER_ELEMENT);
  const uniform = generator(seed);
  const whole = isInteger(element) || element === 'f8e8m0';
  const format = floatFormats[element];
  for (let i = 0; i < data.length; i++) {
    const value = whole ? Math.floor(low + uniform() * (high - low + 1)) : low + uniform() * (high - low);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value);
    else data[i] = format ? encodeFloat(value, format) : value;
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Mulberry32: uniform in [0, 1), 32 bits of state. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
