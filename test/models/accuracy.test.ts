import { describe, expect, it } from 'vitest';
import { isPresent, measure, modelsFolder } from '../../bench/accuracy/measure.ts';
import type { Task } from '../../bench/accuracy/task.ts';
import { tasks } from '../../bench/accuracy/tasks.ts';

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
