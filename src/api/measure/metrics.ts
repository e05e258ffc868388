import { elementary } from '../../numerics/index.ts';
import { decibels } from './decibels.ts';
import { matches, meanAveragePrecision } from './detections.ts';
import type { Scene } from './scenes.ts';

/** What one sample gave: the judged output of float and of a scheme, seen as rows of `classes` values. */
export interface Judged {
  readonly reference: ArrayLike<number>;
  readonly output: ArrayLike<number>;
  /** Elements of the output's last axis. */
  readonly classes: number;
  /** The right class of each row; a negative one is not counted. Empty without labels. */
  readonly labels: ArrayLike<number>;
  /** Of a model that finds objects, where the data say what there is. */
  readonly scene?: Scene | undefined;
}

/** A measure of quality of a set of samples. */
export interface Metric {
  readonly title: string;
  /** `share` is printed in percent. */
  readonly unit: 'share' | 'dB' | 'number';
  /** What it compares the output with. */
  readonly against: 'labels' | 'objects' | 'float';
  /** Whether it is measured only where it is named: it takes the output to be of a certain kind. */
  readonly onRequest?: boolean;
  /** What a sample contributes. */
  readonly measure: (sample: Judged) => readonly number[];
  readonly conclude: (contributions: readonly (readonly number[])[]) => number;
}

/** finish(Σ part / Σ whole) of contributions [part, whole]. */
const ratio =
  (finish: (ratio: number) => number = (x) => x): Metric['conclude'] =>
  (contributions) => {
    let [part, whole] = [0, 0];
    for (const [a = 0, b = 0] of contributions) {
      part += a;
      whole += b;
    }
    return finish(part / whole);
  };

export const metrics = {
  top1: {
    title: 'top-1',
    unit: 'share',
    against: 'labels',
    measure: (sample) => hits(sample, 1),
    conclude: ratio(),
  },
  top5: {
    title: 'top-5',
    unit: 'share',
    against: 'labels',
    measure: (sample) => hits(sample, 5),
    conclude: ratio(),
  },
  perplexity: {
    title: 'perplexity',
    unit: 'number',
    against: 'labels',
    onRequest: true,
    measure: crossEntropy,
    conclude: ratio(elementary.exp),
  },
  auc: {
    title: 'AUC',
    unit: 'share',
    against: 'labels',
    onRequest: true,
    measure: scores,
    conclude: areaUnderCurve,
  },
  map50: {
    title: 'mAP50',
    unit: 'share',
    against: 'objects',
    measure: ({ scene }) => (scene ? matches(scene.detections, scene.objects, 0.5) : []),
    conclude: meanAveragePrecision,
  },
  snr: {
    title: 'SNR',
    unit: 'dB',
    against: 'float',
    measure: signalAndNoise,
    conclude: ratio(decibels),
  },
  mse: {
    title: 'MSE',
    unit: 'number',
    against: 'float',
    measure: (sample) => [signalAndNoise(sample)[1], sample.output.length],
    conclude: ratio(),
  },
  agreement: {
    title: 'agreement',
    unit: 'share',
    against: 'float',
    measure: agreements,
    conclude: ratio(),
  },
} as const satisfies Readonly<Record<string, Metric>>;

/** Rows whose label is among the `best` highest values; of equal values the one with the lower index is higher. */
function hits({ output, classes, labels }: Judged, best: number): [number, number] {
  let [right, counted] = [0, 0];
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] as number;
    if (label < 0) continue;
    counted++;
    const start = row * classes;
    const score = output[start + label] as number;
    let higher = 0;
    for (let c = 0; c < classes; c++) {
      const other = output[start + c] as number;
      if (other > score || (other === score && c < label)) higher++;
    }
    if (label < classes && higher < best && !Number.isNaN(score)) right++;
  }
  return [right, counted];
}

/** [−Σ ln p(label), rows], where a row holds logits: p = exp(x) / Σ exp. */
function crossEntropy({ output, classes, labels }: Judged): [number, number] {
  let [sum, counted] = [0, 0];
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] as number;
    if (label < 0) continue;
    counted++;
    const start = row * classes;
    const largest = output[start + argMax(output, start, classes)] as number;
    let total = 0;
    for (let c = 0; c < classes; c++) total += elementary.exp((output[start + c] as number) - largest);
    sum += largest + elementary.log(total) - (output[start + label] as number);
  }
  return [sum, counted];
}

/** Score and label (0 or 1) of each row: the one value of the row, or how far the second lies above the first. */
function scores({ output, classes, labels }: Judged): number[] {
  const pairs: number[] = [];
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] as number;
    const first = output[row * classes] as number;
    const score = classes === 1 ? first : (output[row * classes + 1] as number) - first;
    if (label >= 0) pairs.push(score, label > 0 ? 1 : 0);
  }
  return pairs;
}

/**
 * The area under the receiver operating characteristic: the chance that a row of label 1 scores higher than one of
 * label 0, equal scores counting half. NaN without rows of both. By ranks; source: Mann and Whitney (1947).
 */
function areaUnderCurve(contributions: readonly (readonly number[])[]): number {
  const pairs: { score: number; label: number }[] = [];
  for (const list of contributions) {
    for (let i = 0; i < list.length; i += 2) pairs.push({ score: list[i] as number, label: list[i + 1] as number });
  }
  pairs.sort((a, b) => a.score - b.score);
  let [ranks, positives] = [0, 0];
  for (let start = 0, end = 0; start < pairs.length; start = end) {
    while (end < pairs.length && pairs[end]?.score === pairs[start]?.score) end++;
    // Ranks from start + 1 to end: equal scores share their mean.
    const equal = pairs.slice(start, end).filter(({ label }) => label === 1).length;
    positives += equal;
    ranks += (equal * (start + 1 + end)) / 2;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (pairs.length - positives));
}

function signalAndNoise({ reference, output }: Judged): [number, number] {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    const [r, x] = [reference[i] as number, output[i] as number];
    signal += r * r;
    noise += r === x ? 0 : (r - x) * (r - x);
  }
  return [signal, noise];
}

/** Rows whose largest value stands at the same place. */
function agreements({ reference, output, classes }: Judged): [number, number] {
  const rows = classes === 0 ? 0 : output.length / classes;
  let same = 0;
  for (let row = 0; row < rows; row++) {
    if (argMax(reference, row * classes, classes) === argMax(output, row * classes, classes)) same++;
  }
  return [same, rows];
}

/** Index of the largest of `count` values from `start`; the first one of equals. */
function argMax(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if ((values[start + i] as number) > (values[start + best] as number)) best = i;
  return best;
}
