import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import * as nn from '../../dialects/nn/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse, printModule } from '../../src/text/index.ts';
import { GraphBuilder, input, transform, wave } from '../quant/graphs.ts';
import { decibels } from '../quant/signal.ts';

const channels = 16;
const samples = [1, 2, 3].map((seed) => input([8, channels], wave(8 * channels, seed)));
const outlier = 3;

/** normalize, a layer, a relu and a layer; one channel between the layers is 64 times as large as the others. */
function network(): Module {
  const graph = new GraphBuilder([8, channels]);
  const weights = (seed: number, factor: (k: number, n: number) => number) =>
    graph.constant(
      [channels, channels],
      wave(channels ** 2, seed).map((w, i) => w * factor(Math.floor(i / channels), i % channels)),
    );
  const norm = graph.op(nn.normalize, [graph.x], { axis: 1, center: true });
  const first = weights(10, (_, n) => (n === outlier ? 64 : 1));
  const bias = graph.constant([channels], wave(channels, 12));
  const hidden = graph.op(nn.matmul, [norm, first, bias], { clamp: [0, Number.POSITIVE_INFINITY] });
  return graph.finish(graph.op(nn.matmul, [hidden, weights(11, (k) => (k === outlier ? 1 / 64 : 1)), undefined]));
}

/** Two layers, the second one's weights on the grid of its codes but for a rounding of f32: what moves them costs accuracy. */
function onGrid(): Module {
  const graph = new GraphBuilder([8, channels]);
  const weights = (seed: number, of: (w: number, k: number, n: number) => number) =>
    graph.constant(
      [channels, channels],
      wave(channels ** 2, seed).map((w, i) => of(w, Math.floor(i / channels), i % channels)),
    );
  const hidden = graph.op(nn.matmul, [graph.x, weights(20, (w, _, n) => w * 3 ** (n % 4)), undefined]);
  const codes = weights(21, (w, k) => (k === 0 ? 127 : Math.round(120 * w)) * 0.01);
  return graph.finish(graph.op(nn.matmul, [hidden, codes, undefined]));
}

const sample = input([8, channels], wave(8 * channels, 99));
const outputOf = (module: Module, precision: 'f32' | 'f64') =>
  (interpret(module, { x: sample }, { precision }).y as HostTensor).data as Float64Array;

/** The largest difference over the largest magnitude. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const values = Array.from(a);
  const most = values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return values.reduce((m, x, i) => Math.max(m, Math.abs(x - (b[i] as number))), 0) / most;
}

const textOf = (module: Module) => printModule(module).text;

describe('smoothquant', () => {
  it('computes the same function, to 1e-9 in f64', async () => {
    const module = network();
    const lines = await transform(module, 'smoothquant', samples);
    expect(lines.at(-1)).toMatch(/^smoothquant: [12] of 2 groups/);
    expect(textOf(module)).not.toBe(textOf(network()));
    expect(difference(outputOf(network(), 'f64'), outputOf(module, 'f64'))).toBeLessThan(1e-9);
  });

  it('wins back what an outlier channel costs under w8a8', async () => {
    const quantize = 'insert-observers,calibrate,quantize';
    const [plain, smooth] = [network(), network()];
    await transform(plain, quantize, samples);
    await transform(smooth, `smoothquant,${quantize}`, samples);
    const result = (module: Module) => interpret(module, { x: sample }).y as HostTensor;
    const noiseOf = (module: Module) => decibels([[result(network()), result(module)]]);
    expect(noiseOf(smooth)).toBeGreaterThan(noiseOf(plain) + 10);
  });

  it('is refused, and says so, where it makes the error larger', async () => {
    const module = network();
    const lines = await transform(module, 'smoothquant{alpha=[6]}', samples);
    expect(
      lines.filter((line) => /smoothquant is refused: it multiplies the error by [\d.e+]+$/.test(line)),
    ).toHaveLength(2);
    expect(lines.at(-1)).toBe('smoothquant: 0 of 2 groups of layers');
    expect(textOf(module)).toBe(textOf(network()));
  });

  it('leaves layers alone that stay float', async () => {
    const module = network();
    await transform(module, 'smoothquant{recipe="float"}', samples);
    expect(textOf(module)).toBe(textOf(network()));
  });

  it('asks for samples', async () => {
    const context = { statistics: 'qc statistics 1' };
    const { text, bin } = printModule(network());
    const again = parse(text, bin ? { registry, bin } : { registry });
    const { allPasses: passes } = await import('../../passes/index.ts');
    await expect(runPipeline(again, 'smoothquant', { passes, registry, context })).rejects.toThrow(
      /smoothquant needs calibration samples/,
    );
  });
});

/** Two convolutions and a relu between; one channel 64 times as large as the others, `always` there in every one. */
function convolutions(always: number): Module {
  const graph = new GraphBuilder([1, 4, 6, 6]);
  const weights = (seed: number, factor: (out: number, into: number) => number) =>
    graph.constant(
      [4, 4, 1, 1],
      wave(16, seed).map((w, i) => w * factor(Math.floor(i / 4), i % 4)),
    );
  const bias = graph.constant(
    [4],
    wave(4, 7).map((b, n) => (n === outlier ? 64 : 1) * (b + always)),
  );
  const attributes = { group: 1, strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] };
  const first = weights(5, (out) => (out === outlier ? 64 : 1));
  const hidden = graph.op(nn.conv, [graph.x, first, bias], { ...attributes, clamp: [0, Number.POSITIVE_INFINITY] });
  const second = weights(6, (_, into) => (into === outlier ? 1 / 64 : 1));
  return graph.finish(graph.op(nn.conv, [hidden, second, undefined], attributes));
}

describe('convolutions', () => {
  const images = [1, 2, 3].map((seed) => input([1, 4, 6, 6], wave(144, seed)));
  const image = input([1, 4, 6, 6], wave(144, 99));
  const of = (module: Module, precision: 'f32' | 'f64') =>
    (interpret(module, { x: image }, { precision }).y as HostTensor).data as Float64Array;

  it('equalize-layers evens channels out between them, exactly', async () => {
    const [plain, module] = [convolutions(0), convolutions(0)];
    const lines = await transform(module, 'equalize-layers', images);
    expect(lines.at(-1)).toBe('equalize-layers: 1 of 1 groups of layers');
    expect(of(module, 'f64')).toEqual(of(plain, 'f64'));
    const quantize = 'insert-observers,calibrate,quantize';
    const exact = interpret(convolutions(0), { x: image }).y as HostTensor;
    await transform(plain, quantize, images);
    await transform(module, quantize, images);
    const noiseOf = (one: Module) => decibels([[exact, interpret(one, { x: image }).y as HostTensor]]);
    expect(noiseOf(module)).toBeGreaterThan(noiseOf(plain) + 10);
  });

  it('absorb-biases takes away what a channel always has', async () => {
    const module = convolutions(6);
    const lines = await transform(module, 'absorb-biases', images);
    expect(lines.at(-1)).toBe('absorb-biases: 1 of 1 groups of layers');
    expect(textOf(module)).not.toBe(textOf(convolutions(6)));
    expect(difference(of(convolutions(6), 'f64'), of(module, 'f64'))).toBeLessThan(1e-6);
  });

  it('absorb-biases has no place where channels come to zero', async () => {
    const module = convolutions(-1);
    const lines = await transform(module, 'absorb-biases', images);
    expect(lines).toEqual(['absorb-biases: 0 of 1 groups of layers']);
    expect(textOf(module)).toBe(textOf(convolutions(-1)));
  });
});

describe('outlier-suppression', () => {
  it('computes the same function but for one rounding of the biases', async () => {
    const module = network();
    const lines = await transform(module, 'outlier-suppression', samples);
    expect(lines.at(-1)).toMatch(/^outlier-suppression: [12] of 2 groups/);
    expect(difference(outputOf(network(), 'f64'), outputOf(module, 'f64'))).toBeLessThan(1e-6);
  });

  it('shifts what leans to one side', async () => {
    const module = network();
    const leaning = samples.map((x) => ({
      ...x,
      data: (x.data as Float32Array).map((v, i) => v + (i % channels === 5 ? 4 : 0)),
    }));
    await transform(module, 'outlier-suppression', leaning);
    expect(textOf(module)).toContain('nn.add');
    expect(difference(outputOf(network(), 'f64'), outputOf(module, 'f64'))).toBeLessThan(1e-6);
  });
});

describe.each([
  ['awq', 'w4a16'],
  ['equalize-layers', 'w8a8'],
  ['repquant', 'w8a8'],
])('%s', (pass, scheme) => {
  const step = `${pass}{recipe="${scheme}"}`;

  it('computes the same function, and makes the error of the quantized model smaller', async () => {
    const module = network();
    const lines = await transform(module, step, samples);
    expect(lines.at(-1)).toMatch(new RegExp(`^${pass}: [12] of 2 groups`));
    expect(difference(outputOf(network(), 'f64'), outputOf(module, 'f64'))).toBeLessThan(
      pass === 'repquant' ? 1e-6 : 1e-9,
    );
    const quantize = scheme === 'w8a8' ? 'insert-observers,calibrate,quantize' : `quantize-weights{recipe="${scheme}"}`;
    const plain = network();
    await transform(plain, quantize, samples);
    await transform(module, quantize, samples);
    const result = (one: Module) => interpret(one, { x: sample }).y as HostTensor;
    const noiseOf = (one: Module) => decibels([[result(network()), result(one)]]);
    expect(noiseOf(module)).toBeGreaterThan(noiseOf(plain));
  });

  it('is refused where nothing is rounded, and where it makes the error larger', async () => {
    const untouched = network();
    await transform(untouched, `${pass}{recipe="float"}`, samples);
    expect(textOf(untouched)).toBe(textOf(network()));
    const module = onGrid();
    const before = textOf(module);
    const lines = await transform(module, `${pass}{recipe="w8a16"}`, samples);
    expect(lines[0]).toMatch(new RegExp(`${pass} is refused: it multiplies the error by [\\d.e+]+$`));
    expect(textOf(module)).toBe(before);
  });
});
