import { elementary } from '../../numerics/index.ts';
import { decibels } from './decibels.ts';

/** What one sample gave: the judged output of float and of a scheme, seen as rows of `classes` values. */
export interface Judged {
  readonly reference: ArrayLike<number>;
  readonly output: ArrayLike<number>;
  /** Elements of the output's last axis. */
  readonly classes: number;
  /** The right class of each row; a negative one is not counted. Empty without labels. */
  readonly labels: ArrayLike<number>;
}

/** A measure of quality: finish(Σ part / Σ whole) over the samples. */
export interface Metric {
  readonly title: string;
  /** `share` is printed in percent. */
  readonly unit: 'share' | 'dB' | 'number';
  /** What it compares the output with. */
  readonly against: 'labels' | 'float';
  /** What a sample contributes: [part, whole]. */
  readonly measure: (sample: Judged) => readonly [part: number, whole: number];
  readonly finish: (ratio: number) => number;
  /** Whether it is measured only where it is named. */
  readonly onRequest?: boolean;
}

export const metrics = {
  top1: {
    title: 'top-1',
    unit: 'share',
    against: 'labels',
    measure: (sample) => hits(sample, 1),
    finish: (ratio) => ratio,
  },
  top5: {
    title: 'top-5',
    unit: 'share',
    against: 'labels',
    measure: (sample) => hits(sample, 5),
    finish: (ratio) => ratio,
  },
  snr: {
    title: 'SNR',
    unit: 'dB',
    against: 'float',
    measure: signalAndNoise,
    finish: decibels,
  },
  mse: {
    title: 'MSE',
    unit: 'number',
    against: 'float',
    measure: (sample) => [signalAndNoise(sample)[1], sample.output.length],
    finish: (ratio) => ratio,
  },
  agreement: {
    title: 'agreement',
    unit: 'share',
    against: 'float',
    measure: agreements,
    finish: (ratio) => ratio,
  },
  perplexity: {
    title: 'perplexity',
    unit: 'number',
    against: 'labels',
    measure: crossEntropy,
    finish: elementary.exp,
    onRequest: true,
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

/** −log of the share that softmax gives the label of each row, the outputs being logits. */
function crossEntropy({ output, classes, labels }: Judged): [number, number] {
  let [sum, counted] = [0, 0];
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] as number;
    if (label < 0) continue;
    counted++;
    const start = row * classes;
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, output[start + c] as number);
    let whole = 0;
    for (let c = 0; c < classes; c++) whole += elementary.exp((output[start + c] as number) - largest);
    sum += elementary.log(whole) + largest - (output[start + label] as number);
  }
  return [sum, counted];
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
