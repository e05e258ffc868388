import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/calibrate/data/index.ts';
import { samples, tinyModel } from './models.ts';
import { workplace } from './workplace.ts';

const { qc, list, folder } = workplace({ 'tiny.onnx': tinyModel(), 'samples.npy': writeNpy(samples) });

describe('qc explain', { timeout: 60_000 }, () => {
  it('names layer, fused ops, instruction and cost of every launch', () => {
    const { code, out } = qc('explain', 'tiny.onnx', '--json');
    expect(code).toBe(0);
    const { launches, multiplyAdds, stayedFloat } = JSON.parse(out);
    const contractions = launches.filter((launch: { op: string }) => launch.op === 'nn.conv');
    expect(contractions.map(({ layer }: { layer: string }) => layer)).toEqual(['first', 'second']);
    // first: 6·6 places, 4 outputs, 2·3·3 products; second: 3·3 places, 3 outputs, 4·3·3 products
    expect(contractions.map((launch: { multiplyAdds: number }) => launch.multiplyAdds)).toEqual([2592, 972]);
    expect(multiplyAdds).toBe(2592 + 972);
    expect(contractions[0]).toMatchObject({ instruction: 'fused_mul_add', elements: 'f32 f32 f32 → f32' });
    expect(contractions[0].writtenBytes).toBe(6 * 6 * 4 * 4);
    expect(stayedFloat).toEqual([]);
  });

  it('says what computes in integers, and what stayed float and why', () => {
    const { code, out } = qc(
      ...['explain', 'tiny.onnx', '--scheme', 'w8a8', '--calibrate', 'samples.npy', '--keep-float', 'second'],
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^first +int\.conv.* i8 i8 i32 .*relaxed_dot_i8x16/m);
    expect(out).toMatch(/second \(nn.conv\): it was to be kept in float/);
    expect(out).toContain('72.7 % in integers');
  });
});

describe('--dump-graph', { timeout: 60_000 }, () => {
  it('draws the graph after each pass that changes it, with the error where it is known', () => {
    const args = ['compile', 'tiny.onnx', '--target', 'wasm', '--scheme', 'w8a8', '--calibrate', 'samples.npy'];
    expect(qc(...args, '--dump-graph', 'graphs').code).toBe(0);
    const files = list('graphs');
    expect(files).toContain('index.html');
    expect(files).toContain('00-the-model.svg');
    const quantized = files.find((name) => /^\d+-quantize\.dot$/.test(name)) as string;
    expect(files).toContain(quantized.replace('.dot', '.svg'));
    expect(files).toContain(quantized.replace('.dot', '.changes.svg'));
    const dot = readFileSync(join(folder, 'graphs', quantized), 'utf8');
    expect(dot).toMatch(/label = "nn\.conv\\nfirst\\n\d+\.\d dB"/);
    const page = readFileSync(join(folder, 'graphs/index.html'), 'utf8');
    expect(page).toContain(quantized.replace('.dot', '.svg'));
  });

  it('refuses a folder that cannot be written before any work', () => {
    const { code, err } = qc('compile', 'tiny.onnx', '--target', 'wasm', '--dump-graph', 'tiny.onnx');
    expect(code).toBe(1);
    expect(err).toMatch(/the output folder cannot be written[\s\S]*it is a file, not a folder/);
  });
});
