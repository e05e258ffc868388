import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/calibrate/data/index.ts';
import { missing } from '../c/program.ts';
import { missingWebGpu } from '../wgsl/dawn.ts';
import { samples, tinyModel } from './models.ts';
import { workplace } from './workplace.ts';

const noCompiler = missing('cc');

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

  it.each([
    ['c', 'one x86 core', 'dot_u8x64'],
    ['wgsl', 'NVIDIA T4', 'dot4_i8'],
    ['cuda', 'NVIDIA T4', 'dot4_i8'],
  ])('predicts %s by the peaks of %s', (target, machine, instruction) => {
    const { code, out } = qc(
      'explain',
      'tiny.onnx',
      '--target',
      target,
      '--scheme',
      'w8a8',
      '--calibrate',
      'samples.npy',
      '--json',
    );
    expect(code).toBe(0);
    const explained = JSON.parse(out);
    expect(explained.machine).toContain(machine);
    const first = explained.launches.find(({ op }: { op: string }) => op === 'int.conv');
    expect(first).toMatchObject({ layer: 'first', instruction, multiplyAdds: 2592 });
    expect(first.predicted).toBeGreaterThan(0);
    const { predicted } = explained;
    const sum = explained.launches.reduce((all: number, one: { predicted: number }) => all + one.predicted, 0);
    expect(predicted).toBeCloseTo(sum, 9);
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

describe('qc profile', { timeout: 60_000 }, () => {
  it('times every launch of an artifact, and draws a flame graph', () => {
    expect(qc('compile', 'tiny.onnx', '--target', 'wasm', '-o', 'profiled').code).toBe(0);
    const { code, out } = qc('profile', 'profiled', '--rounds', '5', '--flame', 'flame.svg', '--json');
    expect(code).toBe(0);
    const { launches, total, rounds } = JSON.parse(out);
    const layers = launches.map(({ layer, op }: { layer: string; op: string }) => `${layer} ${op}`);
    expect(layers).toContain('first nn.conv');
    expect(layers).toContain('second nn.conv');
    const sum = launches.reduce((all: number, { median }: { median: number }) => all + median, 0);
    expect(rounds).toBe(5);
    expect(total).toBeCloseTo(sum, 6);
    for (const { least, median } of launches) expect(least).toBeLessThanOrEqual(median);
    const svg = readFileSync(join(folder, 'flame.svg'), 'utf8');
    expect(svg).toMatch(/<title>first: \d+\.\d µs/);
  });

  it.skipIf(noCompiler)(`times C by hooks behind every kernel, like wasm${noCompiler}`, () => {
    const quantized = ['--scheme', 'w8a8', '--calibrate', 'samples.npy'];
    expect(qc('compile', 'tiny.onnx', '--target', 'c,wasm', ...quantized, '-o', 'both').code).toBe(0);
    const layersOf = (...args: string[]) => {
      const { code, out } = qc('profile', ...args, '--rounds', '4', '--json');
      expect(code).toBe(0);
      const { launches, by, rounds } = JSON.parse(out);
      expect(rounds).toBe(4);
      for (const { median } of launches) expect(median).toBeGreaterThan(0);
      return { by, layers: launches.map(({ layer, op }: { layer: string; op: string }) => `${layer} ${op}`) };
    };
    const c = layersOf('both/c', '--cflags', '-O1', '--flame', 'c.svg');
    expect(c.by).toMatch(/^(cc|gcc|clang) -O1$/);
    expect(c.layers).toContain('first int.conv');
    const { layers } = layersOf('both/wasm');
    expect(new Set(c.layers)).toEqual(new Set(layers));
    expect(readFileSync(join(folder, 'c.svg'), 'utf8')).toMatch(/<title>second: \d+\.\d µs/);
  });

  it.skipIf(missingWebGpu)(`times dispatches of a wgsl program${missingWebGpu}`, () => {
    expect(qc('compile', 'tiny.onnx', '--target', 'wgsl', '-o', 'shader').code).toBe(0);
    const { code, out } = qc('profile', 'shader', '--rounds', '3');
    expect(code).toBe(0);
    expect(out).toMatch(/^tiny: float, (timestamps of the device|a clock around each launch), medians of 3 runs/);
    expect(out).toMatch(/^first +nn\.conv +\d+\.\d/m);
  });

  it('refuses what it cannot take apart', () => {
    expect(qc('compile', 'tiny.onnx', '--target', 'wasm', '--single-file', '-o', 'single').code).toBe(0);
    const { code, err } = qc('profile', 'single');
    expect(code).toBe(1);
    expect(err).toMatch(/only wasm artifacts[\s\S]*a single file[\s\S]*without --single-file/);
    expect(qc('profile', 'single', '--cflags', '-O2')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/for C artifacts/),
    });
  });
});

describe('qc diff', { timeout: 60_000 }, () => {
  it('shows what passes did to a model', () => {
    expect(qc('opt', 'tiny.onnx', '--pipeline', 'bind-dims,fuse-clamp', '-o', 'fused.qir').code).toBe(0);
    const { code, out } = qc('diff', 'tiny.onnx', 'fused.qir');
    expect(code).toBe(0);
    expect(out).toMatch(/^- nn\.clamp activation/m);
    expect(out).toMatch(/^~ nn\.conv first .*clamp = 0,Infinity/m);
    expect(out).toMatch(/^0 added, 1 removed, 4 changed, 0 the same$/m);
    expect(qc('diff', 'tiny.onnx', 'tiny.onnx').out).toBe('0 added, 0 removed, 0 changed, 5 the same\n');
  });

  it('compares and draws any two graphs of a dump', () => {
    const quantized = ['--scheme', 'w8a8', '--calibrate', 'samples.npy', '-o', 'dumped', '--dump-graph', 'passes'];
    expect(qc('compile', 'tiny.onnx', '--target', 'wasm', ...quantized).code).toBe(0);
    const views = list('passes').filter((name) => name.endsWith('.json'));
    const far = views.find((name) => name.endsWith('-to-integer.json')) as string;
    expect(views.indexOf(far)).toBeGreaterThan(1);
    const { code, out } = qc('diff', 'passes/00-the-model.json', `passes/${far}`, '--dump-graph', 'two');
    expect(code).toBe(0);
    expect(out).toMatch(/^- nn\.conv first/m);
    expect(out).toMatch(/^\+ int\.conv first/m);
    const changes = readFileSync(join(folder, 'two/01-to-integer.changes.dot'), 'utf8');
    expect(changes).toMatch(/label = "nn\.conv\\nfirst".*fillcolor = "#f3b9b9"/);
    expect(changes).toMatch(/label = "int\.conv\\nfirst".*fillcolor = "#b7e4b7"/);
    expect(list('two')).toContain('01-to-integer.changes.svg');
    const mixed = qc('diff', 'passes/00-the-model.json', 'dumped');
    expect(mixed).toMatchObject({ code: 1, err: expect.stringContaining('cannot be compared with an artifact') });
    const nothing = qc('diff', 'dumped', 'dumped', '--dump-graph', 'none');
    expect(nothing).toMatchObject({ code: 1, err: expect.stringMatching(/no graph to draw[\s\S]*help:/) });
  });

  it('shows the figures in which two artifacts differ', () => {
    expect(qc('compile', 'tiny.onnx', '--target', 'wasm', '-o', 'float').code).toBe(0);
    const quantized = ['--scheme', 'w8a8', '--calibrate', 'samples.npy', '-o', 'quantized'];
    expect(qc('compile', 'tiny.onnx', '--target', 'wasm', ...quantized).code).toBe(0);
    const { out } = qc('diff', 'float', 'quantized', '--json');
    const paths = JSON.parse(out).map(({ path }: { path: string }) => path);
    expect(paths).toContain('scheme');
    expect(paths).toContain('integerShare');
    expect(paths).toContain('quantization / layers / first');
    expect(paths).not.toContain('multiplyAdds');
    expect(qc('diff', 'float', 'float').out).toBe('nothing differs\n');
  });

  it('does not compare a model with an artifact', () => {
    const { code, err } = qc('diff', 'tiny.onnx', 'float');
    expect(code).toBe(1);
    expect(err).toContain('a model cannot be compared with an artifact or a report');
  });
});

describe('qc reduce', { timeout: 60_000 }, () => {
  it('shrinks a reproducer by the passes of its first line', () => {
    const type = 'tensor<Nx4xf32>';
    const body = `  %a = nn.sqrt %x : ${type}\n  %b = nn.abs %a : ${type}\n  %c = nn.neg %b : ${type}\n  nn.return %c`;
    const text = `// RUN: qc opt --pipeline 'canonicalize,require-static'\nfunc @main(%x: ${type}) -> (${type}) {\n${body}\n}\n`;
    writeFileSync(join(folder, 'open.qir'), text);
    const { code, out, err } = qc('reduce', 'open.qir');
    expect(code).toBe(0);
    expect(err).toContain('3 operations became 0');
    expect(out).toMatch(/^\/\/ RUN: qc opt --pipeline 'canonicalize,require-static'\nfunc @main/);
    // the open size alone is what require-static refuses
    expect(out).toMatch(/func @main\(%x: tensor<Nx4xf32>\) -> \(%result0: tensor<Nx4xf32>\) \{\n {2}nn\.return %x/);
  });

  it('says so when nothing fails, or no passes are named', () => {
    writeFileSync(join(folder, 'plain.qir'), 'func @main(%x: tensor<4xf32>) -> (tensor<4xf32>) {\n  nn.return %x\n}\n');
    expect(qc('reduce', 'plain.qir').err).toContain('name the passes with --pipeline');
    expect(qc('reduce', 'plain.qir', '--pipeline', 'canonicalize').err).toContain('does not fail in this way');
  });
});
