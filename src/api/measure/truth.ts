import { QcError } from '../../support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../support/tensor.ts';
import { type MetricName, metricNames } from '../choices.ts';
import { type Judged, type Metric, metrics } from './metrics.ts';
import { type DetectionOutputs, detectionsOf, objectsOf, type Scene } from './scenes.ts';

/** What the right answers are, as far as that is known. */
export interface TruthOptions {
  /** Integers of shape [S, …]: for each of S samples a class for each row of the output; negative ones do not count. */
  readonly labels?: HostTensor | undefined;
  /**
   * Of a model that finds objects: its outputs, and as `objects` what there is, of shape [objects, 6]: its sample, from 0
   * on, its class, and two opposite corners of its box, in the order and the unit of the model's.
   */
  readonly detections?: (DetectionOutputs & { readonly objects: HostTensor }) | undefined;
}

/** The right answers, sample by sample. */
export interface Truth {
  /** What metrics may be held against. */
  readonly has: Readonly<Record<Metric['against'], boolean>>;
  /** Of a sample; empty without labels. */
  labels(sample: number): readonly number[];
  scene(sample: number, outputs: Readonly<Record<string, HostTensor>>): Scene | undefined;
  /** @throws QcError when there are not so many samples in them */
  checkCount(samples: number): void;
}

/** @throws QcError when objects are no rows of six numbers */
export function truthOf({ labels, detections }: TruthOptions): Truth {
  const objects = detections && objectsOf(detections.objects);
  const kinds = new Set(objects?.flat().map(({ kind }) => kind));
  const size = elementCount(labels?.shape.slice(1) ?? []);
  return {
    has: { labels: labels !== undefined, objects: objects !== undefined, float: true },
    labels(sample) {
      const found = labels?.data.subarray(sample * size, (sample + 1) * size) ?? [];
      return Array.from(found as ArrayLike<number | bigint>, Number);
    },
    scene: (sample, outputs) =>
      detections && { objects: objects?.[sample] ?? [], detections: detectionsOf(outputs, detections, kinds) },
    checkCount(samples) {
      if (samples === 0) throw new QcError({ what: 'the data holds no samples', help: 'give at least one' });
      if (labels && labels.shape[0] !== samples) {
        throw new QcError({
          what: `there are ${samples} samples and labels for ${labels.shape[0]}`,
          help: 'give a label for each sample, in the same order',
        });
      }
      if (objects && objects.length > samples) {
        throw new QcError({
          what: `an object is on sample ${objects.length - 1}, and there are ${samples} samples`,
          help: 'count the samples of the data from 0 on, in their order',
        });
      }
    },
  };
}

const lacking = {
  labels: {
    why: 'it counts right answers',
    help: 'give the right classes: --labels FILE.npy on the command line, labels in the API',
  },
  objects: {
    why: 'it looks for the objects on each picture',
    help: 'say which outputs hold what, and what there is: --detections boxes=NAME,scores=NAME --objects FILE.npy on the command line, detections in the API',
  },
} as const;

/** The metrics that were asked for, or all that can be measured. @throws QcError when one can't be */
export function chooseMetrics(asked: readonly MetricName[] | undefined, { has }: Truth): MetricName[] {
  const all: Readonly<Record<MetricName, Metric>> = metrics;
  if (!asked || asked.length === 0) {
    return metricNames.filter((name) => has[all[name].against] && !all[name].onRequest);
  }
  for (const name of asked) {
    const { against } = all[name];
    if (against === 'float' || has[against]) continue;
    throw new QcError({ what: `the metric ${name} needs ${against}`, ...lacking[against] });
  }
  return [...asked];
}

/** @throws QcError when an output is to be compared with float's and has another size, as detections do that data decide */
export function checkLikeness({ reference, output }: Judged, names: readonly MetricName[]): void {
  const compared = names.find((name) => metrics[name].against === 'float');
  if (compared === undefined || reference.length === output.length) return;
  throw new QcError({
    what: `the output has ${output.length} elements, and in float ${reference.length}`,
    why: `data decide its size, and ${compared} compares it with float element by element`,
    help: 'name the metrics that do not, --metric map50, or another output, --result NAME',
  });
}

/** @throws QcError when the labels of a sample don't fit its output of the given shape */
export function checkRows({ output, classes, labels }: Judged, shape: readonly number[]): void {
  const rows = output.length / classes;
  // One value a row is the score of something that is there or not.
  const beyond = Array.from(labels).find((label) => label >= Math.max(2, classes));
  if (labels.length === 0 || (labels.length === rows && beyond === undefined)) return;
  throw new QcError({
    what:
      beyond === undefined
        ? `a sample has ${labels.length} labels, and its output has ${rows} rows`
        : `the label ${beyond} is none of the ${classes} classes`,
    where: `output of shape [${shape.join(', ')}]`,
    why: 'the last axis of the output is taken as classes, all others as rows, each of which needs a label',
    help: 'give labels of shape [S] or [S, rows], or name the output that they are for with --result',
  });
}
