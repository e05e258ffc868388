import { existsSync, readFileSync } from 'node:fs';
import { strokes, textAnglePath } from '../../bench/models.ts';
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
