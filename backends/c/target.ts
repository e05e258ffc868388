import type { Target } from '../../src/target/index.ts';

/** C99 with vectors of 128 bits, or wider ones where the machine has them: one packing of the weights serves all. */
export const cTarget: Target = {
  name: 'c',
  family: 'simd',
  vectorBytes: 16,
  slack: 64,
  granule: 1,
  longIntegers: true,
  contractions: ['dot_i16x8', 'dot_i8x4', 'dot_i8x16', 'mmla_i8x16', 'dot_i16x16', 'dot_i16x32', 'dot_u8x64'],
  floatRescale: false,
  accumulators: 10,
};

/** Plain C99: scalars, for machines without vectors, four products a step where they have Arm's DSP extension. */
export const cScalarTarget: Target = {
  name: 'c',
  family: 'simd',
  vectorBytes: 0,
  slack: 64,
  granule: 1,
  longIntegers: true,
  contractions: ['dot4_i8', 'dot_i8x4'],
  floatRescale: false,
  accumulators: 16,
};
