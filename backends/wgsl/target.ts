import type { Target } from '../../src/target/index.ts';

/** WebGPU: invocations on memory made of 32-bit words, without 64-bit integers. */
export const wgslTarget: Target = {
  name: 'wgsl',
  family: 'simt',
  vectorBytes: 4,
  slack: 8,
  granule: 4,
  contractions: ['dot4_i8'],
  floatRescale: false,
  accumulators: 16,
  longIntegers: false,
  halves: true,
};
