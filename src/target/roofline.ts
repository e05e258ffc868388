import type { IntrinsicName } from './intrinsic.ts';

/** What one core reaches at best: the two roofs of the roofline model (Williams et al., 2009). */
export interface Roofline {
  /** The machine, in words. */
  readonly machine: string;
  /** Multiply-adds a second by the instruction that does them; `mul_add` is the float one. */
  readonly multiplyAdds: Readonly<Record<IntrinsicName | 'mma_i8' | 'mul_add' | 'fused_mul_add', number>>;
  /** Bytes a second, read and written, where the values of a small model lie: the second-level cache. */
  readonly bytes: number;
}

/** Measured peaks of one x86 core of 2.5 GHz with VNNI. Another machine scales all of them alike, more or less. */
export const referenceCore: Roofline = {
  machine: 'one x86 core at 2.5 GHz',
  multiplyAdds: {
    scalar_i8: 2.5e9,
    // instructions of graphics processors: here they are scalar products
    dot4_i8: 2.5e9,
    // of microcontrollers: here too
    dot_i8x4: 2.5e9,
    mma_i8: 2.5e9,
    dot_i16x8: 28e9,
    relaxed_dot_i8x16: 75e9,
    dot_i16x16: 56e9,
    dot_i8x16: 75e9,
    dot_u8x64: 160e9,
    mul_add: 10e9,
    fused_mul_add: 20e9,
  },
  bytes: 23e9,
};

/** Seconds that the work takes at least, and which roof says so. */
export function boundOf(
  { multiplyAdds, bytes }: { readonly multiplyAdds: number; readonly bytes: number },
  instruction: keyof Roofline['multiplyAdds'],
  roofline: Roofline = referenceCore,
): { readonly seconds: number; readonly by: 'arithmetic' | 'memory' } {
  const arithmetic = multiplyAdds / roofline.multiplyAdds[instruction];
  const memory = bytes / roofline.bytes;
  return arithmetic > memory ? { seconds: arithmetic, by: 'arithmetic' } : { seconds: memory, by: 'memory' };
}
