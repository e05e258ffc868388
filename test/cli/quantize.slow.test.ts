import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/calibrate/data/index.ts';
import { samples, tinyModel } from './models.ts';
import { workplace } from './workplace.ts';

const { qc, folder, list } = workplace({ 'model.onnx': tinyModel(), 'calib.npy': writeNpy(samples) });

describe('qc quantize', () => {
  it('writes a model that onnxruntime takes, in a quarter of the bytes of its weights', async () => {
    const { code, err } = qc('quantize', 'model.onnx', '--calibrate', 'calib.npy', '-o', 'quantized.onnx');
    expect(code, err).toBe(0);
    const session = await InferenceSession.create(join(folder, 'quantized.onnx'), { logSeverityLevel: 3 });
    expect(session.outputNames).toEqual(['scores']);
  });

  it('writes the text of a module whose types hold scales, which compiles', () => {
    expect(qc('quantize', 'model.onnx', '--calibrate', 'calib.npy', '-o', 'quantized.qir').code).toBe(0);
    expect(readFileSync(join(folder, 'quantized.qir'), 'utf8')).toMatch(/!quant<i8:f32/);
    expect(qc('opt', 'quantized.qir', '--pipeline', 'to-integer', '-o', 'integer.qir').code).toBe(0);
    expect(readFileSync(join(folder, 'integer.qir'), 'utf8')).toMatch(/int\.requantize/);
  });

  it('refuses what has neither ending, and missing data, and leaves nothing behind', () => {
    const before = list();
    const bare = qc('quantize', 'model.onnx', '--calibrate', 'calib.npy', '-o', 'quantized.json');
    expect(bare.code).toBe(2);
    expect(bare.err).toMatch(/neither a \.onnx nor a \.qir/);
    const without = qc('quantize', 'model.onnx', '-o', 'other.onnx');
    expect(without.code).toBe(1);
    expect(without.err).toMatch(/needs calibration data/);
    expect(list()).toEqual(before);
  });
});
