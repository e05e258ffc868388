import { QcError } from '../../support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../support/tensor.ts';
import { type Box, type Detection, suppressed } from './detections.ts';

/** Which outputs of a model that finds objects say what, each by its name. */
export interface DetectionOutputs {
  /** Two opposite corners of each box, of shape […, n, 4]. */
  readonly boxes: string;
  /** Of shape […, n], or without `classes` […, n, C]: of each class. Those of 0 and less are no detections. */
  readonly scores: string;
  /** The class of each box, of shape […, n]. */
  readonly classes?: string | undefined;
  /**
   * Boxes whose intersection with a better one of their class is more than this share of their union are dropped, for
   * models that do not do so themselves. 0 to 1. Default: none is.
   */
  readonly suppress?: number | undefined;
}

/** What there is on a picture, and what a model finds there. */
export interface Scene {
  readonly objects: readonly Box[];
  readonly detections: readonly Detection[];
}

/** As many detections count on a picture, those of the highest scores (COCO: maxDets). */
const most = 100;

/**
 * The best detections of one sample.
 *
 * @param kinds the classes that are looked at
 * @throws QcError when the outputs do not fit each other
 */
export function detectionsOf(
  outputs: Readonly<Record<string, HostTensor>>,
  names: DetectionOutputs,
  kinds: ReadonlySet<number>,
): Detection[] {
  const { suppress = 1 } = names;
  const [boxes, scores] = [named(outputs, names.boxes), named(outputs, names.scores)];
  const classes = names.classes === undefined ? undefined : named(outputs, names.classes);
  const count = elementCount(boxes.shape) / 4;
  const columns = classes ? 1 : (scores.shape.at(-1) ?? 1);
  check(boxes.shape.at(-1) === 4, names.boxes, boxes, 'boxes of shape […, n, 4]');
  const expected = classes ? `scores of ${count} boxes` : `scores of ${count} boxes, for each class`;
  check(elementCount(scores.shape) === count * columns, names.scores, scores, expected);
  if (classes) check(elementCount(classes.shape) === count, names.classes ?? '', classes, `classes of ${count} boxes`);
  const found: Detection[] = [];
  for (let i = 0; i < count * columns; i++) {
    const score = Number(scores.data[i]);
    const row = Math.floor(i / columns);
    const kind = classes ? Number(classes.data[row]) : i % columns;
    if (score > 0 && kinds.has(kind)) found.push({ score, ...boxAt(boxes, 4 * row, kind) });
  }
  return suppressed(found, suppress, most);
}

/**
 * The objects of each sample, as far as the last that has one. @param table rows of sample, from 0 on, class, and two
 * opposite corners of the box, in the order and unit of the model's
 *
 * @throws QcError when it has other columns
 */
export function objectsOf(table: HostTensor): Box[][] {
  check(table.shape.length === 2 && table.shape[1] === 6, 'objects', table, 'rows of sample, class and four edges');
  const objects: Box[][] = [];
  for (let at = 0; at < table.data.length; at += 6) {
    const [sample, kind] = [Number(table.data[at]), Number(table.data[at + 1])];
    check(
      Number.isInteger(sample) && sample >= 0,
      `row ${at / 6} of the objects`,
      table,
      'the number of a sample first',
    );
    while (objects.length <= sample) objects.push([]);
    objects[sample]?.push(boxAt(table, at + 2, kind));
  }
  return objects;
}

function boxAt({ data }: HostTensor, at: number, kind: number): Box {
  const [a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3].map((i) => Number(data[at + i]));
  return { kind, left: Math.min(a, c), top: Math.min(b, d), right: Math.max(a, c), bottom: Math.max(b, d) };
}

function named(outputs: Readonly<Record<string, HostTensor>>, name: string): HostTensor {
  const found = outputs[name];
  if (found) return found;
  throw new QcError({
    what: `the model has no output '${name}'`,
    help: `its outputs are ${Object.keys(outputs).join(', ')}`,
  });
}

function check(holds: boolean, where: string, { shape }: HostTensor, expected: string): void {
  if (holds) return;
  throw new QcError({
    what: `expected ${expected}`,
    where,
    why: `its shape is [${shape.join(', ')}]`,
    help: 'detections name the outputs that hold boxes, scores and classes; objects are a row each',
  });
}
