import type { Dim, TensorType } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

/** How places of the result lie on the operand. Source: ONNX Resize. */
export const coordinates = [
  'half_pixel',
  'asymmetric',
  'align_corners',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
] as const;

/** How a place becomes the nearest element. */
export const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

export type Coordinates = (typeof coordinates)[number];

/** The result's shape. @throws QcError */
export function resizedShape(x: TensorType, sizes: readonly Dim[]): readonly Dim[] {
  if (sizes.length === x.shape.length) return sizes;
  throw new QcError({ what: `sizes = [${sizes.join(', ')}] on [${x.shape.join(', ')}]`, why: 'one for each axis' });
}

/** Where element i of an axis of `out` elements lies on the operand's axis of `size`. Source: ONNX Resize. */
export function originalPlace(i: number, size: number, out: number, scale: number, mode: Coordinates): number {
  const halfPixel = (i + 0.5) / scale - 0.5;
  if (mode === 'asymmetric') return i / scale;
  // The resized length is not rounded here, as in ONNX's reference implementation.
  if (mode === 'align_corners') return out === 1 ? 0 : (i * (size - 1)) / (scale * size - 1);
  if (mode === 'pytorch_half_pixel') return out > 1 ? halfPixel : 0;
  return mode === 'half_pixel' ? halfPixel : (size / 2) * (1 - out / (scale * size)) + halfPixel;
}

/** The index that a place is rounded to; it may lie outside. */
export function roundPlace(place: number, rounding: (typeof roundings)[number]): number {
  if (rounding === 'floor') return Math.floor(place);
  if (rounding === 'ceil') return Math.ceil(place);
  return rounding === 'round_prefer_floor' ? Math.ceil(place - 0.5) : Math.floor(place + 0.5);
}
