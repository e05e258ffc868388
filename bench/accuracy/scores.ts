import {
  type Box,
  type Detection,
  matches,
  meanAveragePrecision,
  suppressed,
} from '../../src/api/measure/detections.ts';
import { type Metric, metrics } from '../../src/api/measure/metrics.ts';
import type { JudgedSample, Score } from './task.ts';

const labelled = (title: string, unit: Score['unit'], better: Score['better'], metric: Metric): Score => ({
  title,
  unit,
  better,
  contribute: ({ data, shape }, { labels = [] }) => {
    const output = data as Float32Array;
    return metric.measure({ reference: output, output, classes: shape.at(-1) ?? 1, labels });
  },
  conclude: metric.conclude,
});

export const top1 = labelled('top-1', 'share', 'more', metrics.top1);
export const maskedAccuracy: Score = { ...top1, title: 'MLM accuracy' };
export const perplexity = labelled('perplexity', 'number', 'less', metrics.perplexity);
export const auc = labelled('AUC at 0 dB', 'share', 'more', metrics.auc);

/** Mean squared difference of the output and the one input. */
export const reconstruction: Score = {
  title: 'MSE',
  unit: 'number',
  better: 'less',
  contribute: ({ data }, { inputs }) => {
    const [input] = Object.values(inputs);
    const errors = (data as Float32Array).map((x, i) => (x - (input?.data[i] as number)) ** 2);
    return [errors.reduce((a, b) => a + b, 0), errors.length];
  },
  conclude: metrics.mse.conclude,
};

/** What a picture was before it was scaled, and what is on it. */
export interface Scene {
  readonly scale: number;
  readonly truths: readonly Box[];
}

/** Mean average precision at an overlap of one half, of a YOLOX head over strides 8, 16 and 32. */
export const averagePrecision = (side: number, scenes: () => readonly Scene[]): Score => ({
  title: 'mAP50',
  unit: 'share',
  better: 'more',
  contribute: ({ data, shape }, _sample: JudgedSample, index) => {
    const { scale, truths } = scenes()[index] as Scene;
    const found = decoded(data as Float32Array, shape.at(-1) ?? 1, side, scale);
    return matches(suppressed(found, 0.65, 100), truths, 0.5);
  },
  conclude: meanAveragePrecision,
});

/** Rows of x, y, log width, log height, objectness and class scores, relative to the cells of a grid for each stride. */
function decoded(data: Float32Array, columns: number, side: number, scale: number): Detection[] {
  const detections: Detection[] = [];
  let row = 0;
  for (const stride of [8, 16, 32]) {
    const cells = side / stride;
    for (let cell = 0; cell < cells * cells; cell++, row++) {
      const [dx = 0, dy = 0, w = 0, h = 0, object = 0, ...classes] = data.subarray(row * columns, (row + 1) * columns);
      if (object < 0.003) continue;
      const [x, y] = [(dx + (cell % cells)) * stride, (dy + Math.floor(cell / cells)) * stride];
      const [halfWidth, halfHeight] = [(Math.exp(w) * stride) / 2, (Math.exp(h) * stride) / 2];
      const [left, right] = [(x - halfWidth) / scale, (x + halfWidth) / scale];
      const [top, bottom] = [(y - halfHeight) / scale, (y + halfHeight) / scale];
      classes.forEach((score, kind) => {
        if (object * score > 0.01) detections.push({ kind, score: object * score, left, top, right, bottom });
      });
    }
  }
  return detections;
}
