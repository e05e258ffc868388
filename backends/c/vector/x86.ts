import { bytesOfShape, isReal, isSigned, type Shape } from './shape.ts';

/** The intrinsics of one register width. */
export interface Register {
  readonly when: string;
  readonly prefix: string;
  readonly integers: string;
  readonly floats: string;
}

const registers: Readonly<Record<number, Register>> = {
  16: { when: 'QC_SSE41', prefix: '_mm', integers: '__m128i', floats: '__m128' },
  32: { when: 'QC_AVX2', prefix: '_mm256', integers: '__m256i', floats: '__m256' },
  64: { when: 'QC_AVX512', prefix: '_mm512', integers: '__m512i', floats: '__m512' },
};

/** The registers that hold a shape, if it fills one. */
export const registerOf = (shape: Shape): Register | undefined => registers[bytesOfShape(shape)];

/** What intrinsics call the elements: ps, epi8, epu8, … */
export function suffixOf(shape: Shape): string {
  if (isReal(shape)) return shape.element === 'f64' ? 'pd' : 'ps';
  return `ep${isSigned(shape) ? 'i' : 'u'}${shape.element.slice(1)}`;
}
