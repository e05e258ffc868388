import type { IntrinsicName } from './intrinsic.ts';

/** What the lowering asks of a target. Backends add how things are printed. */
export interface Target {
  readonly name: 'wasm' | 'c' | 'wgsl' | 'cuda';
  /** Whose kernel templates serve it. */
  readonly family: 'simd' | 'simt';
  /** Bytes of a vector register, or of the word in which invocations hold small elements; 0 for targets programmed in scalars. */
  readonly vectorBytes: number;
  /** Bytes behind every buffer that a kernel may read (never write). */
  readonly slack: number;
  /** Bytes that one store writes at least, and a multiple of which every buffer holds. */
  readonly granule: number;
  /** Ways to run an 8-bit contraction, the baseline first; each further one needs its feature. */
  readonly contractions: readonly IntrinsicName[];
  /** Whether float arithmetic is always there and cheaper than 64-bit products. */
  readonly floatRescale: boolean;
  /** Whether there are 64-bit integers. */
  readonly longIntegers: boolean;
  /** Whether it converts between f16 and f32. */
  readonly halves?: boolean;
  /** Whether 32 invocations multiply tiles of 8-bit codes together, by the op kernel.mma. */
  readonly warpProducts?: boolean;
  /** Bytes that codes may take which are widened to 16 bits ahead of their products; undefined: each product widens. */
  readonly wideBytes?: number;
  /** Bits of codes up to which few rows are faster by tables of sums than by products, as measured; undefined: never. */
  readonly lookUpBits?: number;
  /** Registers that a contraction's tile may fill with accumulators. */
  readonly accumulators: number;
  /** Rows of the register tile of every contraction, where they were chosen by measuring. */
  readonly tileRows?: number;
}

/** Lanes of `bytes`-wide elements in a register; 1 on scalar targets. */
export function lanesFor(target: Target, bytes: number): number {
  return Math.max(1, target.vectorBytes / bytes);
}
