import type { Target } from '../../src/target/index.ts';

/** CUDA: invocations on memory of 32-bit words, which hold four codes, with the dot product of sm_61 and later. */
export const cudaTarget: Target = {
  name: 'cuda',
  family: 'simt',
  vectorBytes: 4,
  slack: 8,
  granule: 4,
  contractions: ['dot4_i8'],
  warpProducts: true,
  floatRescale: false,
  accumulators: 16,
  longIntegers: true,
};
