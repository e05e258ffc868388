import { describe, expect, it } from 'vitest';
import {
  type Box,
  type Detection,
  matches,
  meanAveragePrecision,
  suppressed,
} from '../../bench/accuracy/detections.ts';
import { isPresent, measure, modelsFolder } from '../../bench/accuracy/measure.ts';
import type { Task } from '../../bench/accuracy/task.ts';
import { tasks } from '../../bench/accuracy/tasks.ts';

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

  it('gives an object to one detection', () => {
    const entries = matches([found(0, 0, 0.9), found(0, 1, 0.8)], [box(0, 0)], 0.5);
    expect(entries).toEqual([0, -1, 1, 0, 0.9, 1, 0, 0.8, 0]);
  });

  it('drops what overlaps a better detection of its class', () => {
    const kept = suppressed([found(0, 1, 0.5), found(0, 0, 0.9), found(1, 0, 0.4), found(0, 30, 0.3)], 0.65, 3);
    expect(kept.map(({ score }) => score)).toEqual([0.9, 0.4, 0.3]);
  });
});

const task = (name: string) => tasks.find((one) => one.name === name) as Task;

describe.skipIf(!isPresent)(`the default recipe beside onnxruntime's quantizer (needs ${modelsFolder})`, () => {
  it('a stream of speech, with its state from frame to frame, and as exported', async () => {
    const { peer } = task('silero_vad_16k_op15');
    const [result] = await measure(task('silero_vad_16k_op15'), ['w8a8'], { rows: 200, exports: true });
    expect(result?.snr).toBeGreaterThanOrEqual((peer?.snr ?? Number.NaN) - 0.5);
    expect(result?.agreement).toBeGreaterThanOrEqual(0.98);
    expect(result?.exported?.snr).toBeGreaterThanOrEqual(35);
    expect(result?.exported?.agreement).toBeGreaterThanOrEqual(0.995);
  });

  it.each([
    { name: 'yolox_nano_416', rows: 1 },
    { name: 'blazeface_front_128', rows: 4 },
  ])('$name, a detector of 16-bit codes, as exported', async ({ name, rows }) => {
    const whole = task(name);
    const calibration = () => [...whole.calibration()].slice(0, 4);
    const [result] = await measure({ ...whole, calibration }, ['w8a8'], { rows, exports: true });
    expect(result?.exported?.snr).toBeGreaterThanOrEqual(35);
    expect(result?.exported?.agreement).toBeGreaterThanOrEqual(0.995);
  });
});
