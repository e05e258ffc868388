import type { Target } from '../../src/target/index.ts';

/** Plain C99: scalars, which the C compiler may vectorize. */
export const cTarget: Target = {
  name: 'c',
  family: 'simd',
  vectorBytes: 0,
  slack: 0,
  granule: 1,
  longIntegers: true,
  contractions: ['scalar_i8'],
  floatRescale: false,
  accumulators: 16,
};
