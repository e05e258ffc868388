import { describe, expect, it } from 'vitest';
import {
  type Box,
  type Detection,
  matches,
  meanAveragePrecision,
  suppressed,
} from '../../src/api/measure/detections.ts';
import { detectionsOf } from '../../src/api/measure/scenes.ts';
import { evaluate, importOnnx } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { modelOf, node } from '../state/model.ts';

const box = (kind: number, left: number, size = 10): Box => ({ kind, left, top: 0, right: left + size, bottom: size });
const found = (kind: number, left: number, score: number, size = 10): Detection => ({
  ...box(kind, left, size),
  score,
});

describe('mean average precision', () => {
  it('is 1 where every object is found alone, and 0 where none is', () => {
    const truths = [box(0, 0), box(1, 50)];
    expect(meanAveragePrecision([matches([found(0, 0, 0.9), found(1, 50, 0.2)], truths, 0.5)])).toBe(1);
    expect(meanAveragePrecision([matches([found(1, 0, 0.9)], truths, 0.5)])).toBe(0);
  });

  it('counts recall at 101 levels: one of two objects is found, behind a wrong detection', () => {
    const picture = matches([found(0, 200, 0.9), found(0, 1, 0.8)], [box(0, 0), box(0, 100)], 0.5);
    // Precision ½ at the levels 0, 0.01, …, 0.50, nothing above.
    expect(meanAveragePrecision([picture])).toBeCloseTo((51 * 0.5) / 101, 12);
  });

  it('of the 24 detections of 15 objects that Padilla et al. work out by hand (2020), on seven pictures', () => {
    // In the order of scores: 1 where there is such an object.
    const hits = [1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    const pictures = Array.from({ length: 7 }, (_, picture) => {
      const mine = hits.flatMap((hit, i) => (i % 7 === picture ? [{ hit, i }] : []));
      const truths = mine.flatMap(({ hit, i }) => (hit ? [box(0, 100 * i)] : []));
      // Objects that nothing finds: 15 of which 7 are found.
      const missed = Array.from({ length: picture < 1 ? 2 : 1 }, (_, i) => box(0, -1000 * (i + 1)));
      const detections = mine.map(({ hit, i }) => found(0, 100 * i + (hit ? 1 : 50), 1 - i / 100));
      return matches(detections, [...truths, ...missed], 0.5);
    });
    // Precisions from the right: 1 up to a recall of 1/15, 2/3 to 2/15, 6/14 to 6/15, 7/23 to 7/15.
    const levels = 7 * 1 + 7 * (2 / 3) + 27 * (6 / 14) + 6 * (7 / 23);
    expect(meanAveragePrecision(pictures)).toBeCloseTo(levels / 101, 12);
  });

  it('gives an object to one detection', () => {
    const entries = matches([found(0, 0, 0.9), found(0, 1, 0.8)], [box(0, 0)], 0.5);
    expect(entries).toEqual([0, -1, 1, 0, 0.9, 1, 0, 0.8, 0]);
  });

  it('drops what overlaps a better detection of its class', () => {
    const kept = suppressed([found(0, 1, 0.5), found(0, 0, 0.9), found(1, 0, 0.4), found(0, 30, 0.3)], 0.65, 3);
    expect(kept.map(({ score }) => score)).toEqual([0.9, 0.4, 0.3]);
  });
});

const floats = (shape: number[], values: number[]): HostTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(values),
});
const integers = (values: number[], shape = [values.length]): HostTensor => ({
  dtype: 'i64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});

describe('the outputs of a detector', () => {
  const both = new Set([0, 1]);
  const boxes = floats([1, 3, 4], [0, 0, 10, 10, 11, 10, 1, 0, 50, 0, 60, 10]);

  it('are boxes with a score and a class, where the score is above 0', () => {
    const outputs = { boxes, scores: floats([3], [0.5, 0.75, 0]), classes: integers([1, 1, 0]) };
    const names = { boxes: 'boxes', scores: 'scores', classes: 'classes' };
    expect(detectionsOf(outputs, names, both)).toEqual([
      { kind: 1, score: 0.75, left: 1, top: 0, right: 11, bottom: 10 },
      { kind: 1, score: 0.5, left: 0, top: 0, right: 10, bottom: 10 },
    ]);
    expect(detectionsOf(outputs, { ...names, suppress: 0.5 }, both)).toHaveLength(1);
  });

  it('are boxes with a score for each class', () => {
    const outputs = { boxes, scores: floats([1, 3, 2], [0.5, 0, 0.25, 0.125, 0, 0.75]) };
    const names = { boxes: 'boxes', scores: 'scores', suppress: 0.5 };
    const kept = (kinds: number[]) =>
      detectionsOf(outputs, names, new Set(kinds)).map(({ kind, score, left }) => [kind, score, left]);
    expect(kept([0, 1])).toEqual([
      [1, 0.75, 50],
      [0, 0.5, 0],
      [1, 0.125, 1],
    ]);
    expect(kept([0])).toEqual([[0, 0.5, 0]]);
  });

  it('are refused where they do not fit', () => {
    const outputs = { boxes, scores: floats([4], [1, 1, 1, 1]) };
    expect(() => detectionsOf(outputs, { boxes: 'scores', scores: 'boxes' }, both)).toThrow(/scores of 1 boxes/);
    expect(() => detectionsOf(outputs, { boxes: 'boxes', scores: 'scores', classes: 'none' }, both)).toThrow(
      /no output 'none'/,
    );
    expect(() =>
      detectionsOf(
        { ...outputs, classes: integers([1]) },
        { boxes: 'boxes', scores: 'scores', classes: 'classes' },
        both,
      ),
    ).toThrow(/scores of 3 boxes/);
  });
});

/** Of four boxes of two classes those that overlap no better one by half; a run finds as many as there are. */
const detector = () =>
  importOnnx(
    modelOf(
      [
        node('NonMaxSuppression', ['boxes', 'scores', 'most', 'overlap', 'least'], ['kept']),
        node('Gather', ['kept', 'last'], ['numbers'], [{ name: 'axis', type: 'int', value: 1n }]),
        node('Gather', ['kept', 'middle'], ['classes'], [{ name: 'axis', type: 'int', value: 1n }]),
        node('Squeeze', ['boxes', 'first'], ['rows']),
        node('Gather', ['rows', 'numbers'], ['found']),
        node('GatherND', ['scores', 'kept'], ['certainty']),
      ],
      [
        ['boxes', 'f32', [1, 4, 4]],
        ['scores', 'f32', [1, 2, 4]],
      ],
      [
        ['found', 'f32', ['n', 4]],
        ['certainty', 'f32', ['n']],
        ['classes', 'i64', ['n']],
      ],
      {
        most: integers([4]),
        overlap: floats([1], [0.5]),
        least: floats([1], [0.1]),
        last: integers([2], []),
        middle: integers([1], []),
        first: integers([0]),
      },
    ),
  );

describe('a detector beside float', () => {
  const boxes = floats([1, 4, 4], [0, 0, 10, 10, 1, 0, 11, 10, 50, 0, 60, 10, 80, 0, 90, 10]);
  const dataset = [
    { boxes, scores: floats([1, 2, 4], [0.9, 0.8, 0, 0, 0, 0, 0.7, 0]) },
    { boxes, scores: floats([1, 2, 4], [0, 0, 0, 0.6, 0, 0, 0, 0.5]) },
  ];
  const outputs = { boxes: 'found', scores: 'certainty', classes: 'classes' };
  /** On the first picture both classes are found; on the second, one of each at the wrong place, or missed. */
  const objects = floats([4, 6], [0, 0, 0, 0, 10, 10, 0, 1, 50, 0, 60, 10, 1, 1, 80, 1, 90, 11, 1, 0, 0, 0, 10, 10]);

  it('has a mean average precision, whatever number of boxes it finds', async () => {
    const { schemes, metrics } = await evaluate(detector(), {
      schemes: [],
      dataset,
      detections: { ...outputs, objects },
      metrics: ['map50'],
    });
    expect(metrics).toEqual(['map50']);
    // Of class 0 one of two is found first, and then a wrong one: precision 1 at 51 levels of recall. Of class 1 all.
    expect(schemes[0]?.metrics.map50?.value).toBeCloseTo((51 / 101 + 1) / 2, 12);
  });

  it('is not measured without objects, nor on samples that are not there', async () => {
    await expect(evaluate(detector(), { schemes: [], dataset, metrics: ['map50'] })).rejects.toThrow(/needs objects/);
    const detections = { ...outputs, objects };
    await expect(
      evaluate(detector(), { schemes: [], dataset: dataset.slice(1), detections, metrics: ['map50'] }),
    ).rejects.toThrow(/on sample 1, and there are 1 samples/);
  });
});
