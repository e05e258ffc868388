import type { Target } from '../../src/target/index.ts';

/** WebAssembly with 128-bit SIMD; relaxed SIMD where the machine has it. */
export const wasmTarget: Target = {
  name: 'wasm',
  family: 'simd',
  vectorBytes: 16,
  slack: 64,
  granule: 1,
  longIntegers: true,
  contractions: ['dot_i16x8', 'relaxed_dot_i8x16'],
  floatRescale: true,
  accumulators: 10,
  // stays in the second cache of a core
  wideBytes: 1 << 20,
};
