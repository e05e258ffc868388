import type { IntrinsicName } from './intrinsic.ts';
import type { Target } from './target.ts';

/** What a multiply-add is done by: a contraction's instruction, tables of sums, or lane by lane in float. */
export type Multiplier = IntrinsicName | 'mma_i8' | 'look_up' | 'mul_add' | 'fused_mul_add';

/** What a machine reaches at best: the two roofs of the roofline model (Williams et al., 2009). */
export interface Roofline {
  /** The machine, in words. */
  readonly machine: string;
  /** Multiply-adds a second by the instructions that it has. */
  readonly multiplyAdds: Readonly<Partial<Record<Multiplier, number>>>;
  /** Multiply-adds a second, one by one. */
  readonly scalar: number;
  /** Bytes a second, read and written, where the values of a model lie. */
  readonly bytes: number;
}

/** Machines whose peaks are known, by the family of targets. Others of their kind scale all peaks alike, more or less. */
const machines: Readonly<Record<Target['family'], Roofline>> = {
  // measured, on a core with VNNI; values of a small model lie in the second-level cache
  simd: {
    machine: 'one x86 core at 2.5 GHz',
    multiplyAdds: {
      dot_i16x8: 28e9,
      relaxed_dot_i8x16: 75e9,
      dot_i16x16: 56e9,
      dot_i16x32: 80e9,
      dot_i8x16: 75e9,
      mmla_i8x16: 150e9,
      dot_u8x64: 160e9,
      // of 2 bits, with AVX2
      look_up: 35e9,
      mul_add: 10e9,
      fused_mul_add: 20e9,
    },
    scalar: 2.5e9,
    bytes: 23e9,
  },
  // NVIDIA T4 datasheet: 8.1 TFLOPS in f32, 130 TOPS in 8 bits, 320 GB/s; dp4a does four products where f32 does one
  simt: {
    machine: 'an NVIDIA T4, which takes a few µs more to start each launch',
    multiplyAdds: { dot4_i8: 16.2e12, mma_i8: 65e12, mul_add: 4.05e12, fused_mul_add: 4.05e12 },
    scalar: 4.05e12,
    bytes: 320e9,
  },
};

/** The machine by which programs for a target are judged. */
export const rooflineFor = ({ family }: Pick<Target, 'family'>): Roofline => machines[family];

/** Seconds that the work takes at least, and which roof says so. */
export function boundOf(
  { multiplyAdds, bytes }: { readonly multiplyAdds: number; readonly bytes: number },
  instruction: Multiplier,
  roofline: Roofline,
): { readonly seconds: number; readonly by: 'arithmetic' | 'memory' } {
  const arithmetic = multiplyAdds / (roofline.multiplyAdds[instruction] ?? roofline.scalar);
  const memory = bytes / roofline.bytes;
  return arithmetic > memory ? { seconds: arithmetic, by: 'arithmetic' } : { seconds: memory, by: 'memory' };
}
