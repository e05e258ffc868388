/** What a machine may have beyond a target's baseline. */
export type Feature = 'relaxed-simd' | 'dotprod' | 'i8mm' | 'avx2' | 'avx512-vnni' | 'arm-dsp';

/**
 * A hardware instruction for contractions, declared once: each target's table says how it prints it.
 * One instruction adds, for each of `columns` outputs, the products of `depth` weights and activations.
 */
export interface Intrinsic {
  readonly name: string;
  /** Feature that the machine must have beyond the target's baseline; undefined: none. */
  readonly feature: Feature | undefined;
  readonly element: 'i8' | 'i16' | 'f32';
  /** Outputs of one instruction, in the order of the accumulator's lanes. */
  readonly columns: number;
  /** Rows of activations that one instruction multiplies by the same weights; the lanes are rows of columns. Default 1. */
  readonly rows?: number;
  /** Products added into one accumulator lane by one instruction. */
  readonly depth: number;
  /** Lanes of the accumulator; more than `columns` when neighbours are added at the end. */
  readonly lanes: number;
  /** Whether machines with the feature multiply floats better too: wider than the baseline, or fused. */
  readonly floats?: boolean;
  /** Registers that a tile may fill with accumulators, where the feature brings more than the baseline has. */
  readonly accumulators?: number;
  /**
   * Where activations may need their sign bits turned over: registers for accumulators of tiles that read them turned
   * already (int.turned). Undefined where that is not worth an op: a register for the mask and one more operation a
   * product are at hand.
   */
  readonly turnedAccumulators?: number;
  /** Where the result is exact, in words that a proof can cite. */
  readonly exact: string;
  /** Meaning: the accumulator's lanes after the instruction. */
  readonly meaning: (
    accumulator: readonly number[],
    weights: readonly number[],
    activations: readonly number[],
  ) => number[];
}

const toI32 = (sum: number) => sum | 0;

/** Products of neighbours added into each lane: lane i takes operands depth·i … depth·i + depth − 1. */
const grouped =
  (depth: number, join: (sum: number) => number): Intrinsic['meaning'] =>
  (accumulator, weights, activations) =>
    accumulator.map((start, lane) => {
      let sum = start;
      for (let i = 0; i < depth; i++) {
        sum += (weights[lane * depth + i] as number) * (activations[lane * depth + i] as number);
      }
      return join(sum);
    });

/** A product of matrices: lane `columns`·r + c takes row r of the activations and column c of the weights. */
const tiled =
  (columns: number, depth: number): Intrinsic['meaning'] =>
  (accumulator, weights, activations) =>
    accumulator.map((start, lane) => {
      const [row, column] = [Math.floor(lane / columns), lane % columns];
      let sum = start;
      for (let i = 0; i < depth; i++) {
        sum += (weights[column * depth + i] as number) * (activations[row * depth + i] as number);
      }
      return toI32(sum);
    });

/** Every intrinsic that templates may ask for. */
export const intrinsics = {
  /** Portable: one product a time, for targets without vectors and for the tails of others. */
  scalar_i8: {
    name: 'scalar_i8',
    feature: undefined,
    element: 'i8',
    columns: 1,
    depth: 1,
    lanes: 1,
    exact: 'always (sums wrap at 32 bits, which the range proof excludes)',
    meaning: grouped(1, toI32),
  },
  /** i16x8 by i16x8, neighbours added: pmaddwd, vmull+vpadd. */
  dot_i16x8: {
    name: 'dot_i16x8',
    feature: undefined,
    element: 'i16',
    columns: 2,
    depth: 2,
    lanes: 4,
    exact: 'operands are sign-extended 8-bit codes, so a pair is below 2^15',
    meaning: grouped(2, toI32),
  },
  /** Four products of 8-bit lanes that a 32-bit word holds: dot4I8Packed, __dp4a. */
  dot4_i8: {
    name: 'dot4_i8',
    feature: undefined,
    element: 'i8',
    columns: 1,
    depth: 4,
    lanes: 1,
    exact: 'always (sums wrap at 32 bits, which the range proof excludes)',
    meaning: grouped(4, toI32),
  },
  /** dot4_i8 on words in memory, by halves of 16 bits: sxtb16 and smlad of Arm's DSP extension. */
  dot_i8x4: {
    name: 'dot_i8x4',
    feature: 'arm-dsp',
    element: 'i8',
    columns: 1,
    depth: 4,
    lanes: 1,
    accumulators: 8,
    exact: 'always (sums wrap at 32 bits, which the range proof excludes)',
    meaning: grouped(4, toI32),
  },
  /**
   * i8x16 weights by 8-bit activations, four products a lane. Activations are signed on some machines and unsigned
   * on others: the setting `dot_sign_mask` (0 or 0x80808080) is xor-ed into them, and the start vector fits.
   */
  relaxed_dot_i8x16: {
    name: 'relaxed_dot_i8x16',
    feature: 'relaxed-simd',
    element: 'i8',
    columns: 4,
    depth: 4,
    lanes: 4,
    floats: true,
    turnedAccumulators: 12,
    exact: 'only after the known-answer probe at load has passed',
    meaning: grouped(4, toI32),
  },
  /** dot_i16x8 on registers of 256 bits: vpmaddwd. Its first half serves fewer columns. */
  dot_i16x16: {
    name: 'dot_i16x16',
    feature: 'avx2',
    element: 'i16',
    columns: 4,
    depth: 2,
    lanes: 8,
    floats: true,
    accumulators: 12,
    exact: 'operands are sign-extended 8-bit codes, so a pair is below 2^15',
    meaning: grouped(2, toI32),
  },
  /** dot_i16x16 on registers of 512 bits, for 16-bit activations: vpdpwssd. Its first half or quarter serves fewer columns. */
  dot_i16x32: {
    name: 'dot_i16x32',
    feature: 'avx512-vnni',
    element: 'i16',
    columns: 8,
    depth: 2,
    lanes: 16,
    accumulators: 24,
    exact: 'always (sums wrap at 32 bits, which the range proof excludes)',
    meaning: grouped(2, toI32),
  },
  /** Signed 8-bit codes, four products a lane: sdot. */
  dot_i8x16: {
    name: 'dot_i8x16',
    feature: 'dotprod',
    element: 'i8',
    columns: 4,
    depth: 4,
    lanes: 4,
    accumulators: 16,
    exact: 'always (sums wrap at 32 bits, which the range proof excludes)',
    meaning: grouped(4, toI32),
  },
  /** Signed 8-bit codes, eight products a lane of two outputs for each of two rows: smmla. */
  mmla_i8x16: {
    name: 'mmla_i8x16',
    feature: 'i8mm',
    element: 'i8',
    columns: 2,
    rows: 2,
    depth: 8,
    lanes: 4,
    accumulators: 16,
    exact: 'always (sums wrap at 32 bits, which the range proof excludes)',
    meaning: tiled(2, 8),
  },
  /**
   * Signed weights by unsigned activations, four products a lane: vpdpbusd. The setting `dot_sign_mask`, 0x80808080,
   * is xor-ed into the activations, and the start vector fits. Its first half or quarter serves fewer columns.
   */
  dot_u8x64: {
    name: 'dot_u8x64',
    feature: 'avx512-vnni',
    element: 'i8',
    columns: 16,
    depth: 4,
    lanes: 16,
    floats: true,
    accumulators: 24,
    exact: 'always (sums wrap at 32 bits, which the range proof excludes)',
    meaning: grouped(4, toI32),
  },
} as const satisfies Record<string, Intrinsic>;

export type IntrinsicName = keyof typeof intrinsics;
