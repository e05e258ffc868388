import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import * as nn from '../../dialects/nn/index.ts';
import { allPasses } from '../../passes/index.ts';
import { wasmProbe } from '../../src/api/probe.ts';
import { mergeStatistics, parseStatistics, printStatistics, type Statistics } from '../../src/calibrate/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { type PassContext, runPipeline } from '../../src/pass/index.ts';
import { GraphBuilder, input, run, wave } from './graphs.ts';

const shape = [1, 4, 9, 8];
const samples = [1, 2, 3, 4].map((seed) => input(shape, wave(288, seed)));
const geometry = { strides: [2, 1], pads: [1, 0, 2, 1], dilations: [1, 2], group: 2 };
const weights = { conv: wave(6 * 2 * 3 * 2, 5), matmul: wave(8 * 5, 6) };

/** A strided, padded, dilated convolution in groups: [1, 6, 5, 7]. */
function convolution(): Module {
  const graph = new GraphBuilder(shape);
  return graph.finish(graph.op(nn.conv, [graph.x, graph.constant([6, 2, 3, 2], weights.conv)], geometry));
}

function product(): Module {
  const graph = new GraphBuilder(shape);
  return graph.finish(graph.op(nn.matmul, [graph.x, graph.constant([8, 5], weights.matmul)]));
}

/** Two layers, of which the second reads the first, and a sum of both. */
function network(): Module {
  const graph = new GraphBuilder(shape);
  const w = (seed: number) =>
    graph.constant(
      [4, 4, 1, 1],
      wave(16, seed).map((v) => v / 2),
    );
  const ones = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] };
  const a = graph.op(nn.conv, [graph.x, w(7)], { ...ones, clamp: [0, Infinity] });
  const b = graph.op(nn.conv, [a, w(8)], ones);
  return graph.finish(graph.op(nn.conv, [graph.op(nn.add, [a, b]), w(9)], ones));
}

async function calibrated(
  module: Module,
  options: Partial<PassContext> & { readonly steps?: string; readonly data?: typeof samples } = {},
): Promise<{ statistics: Statistics; reports: string[] }> {
  const { steps = 'insert-observers,calibrate', data = samples, ...given } = options;
  let text = '';
  const reports: string[] = [];
  const context: Partial<PassContext> = {
    calibration: data.map((x) => ({ x })),
    probe: wasmProbe,
    keepStatistics: (saved) => {
      text = saved;
    },
    report: (line) => reports.push(line),
    ...given,
  };
  await runPipeline(module, steps, { passes: allPasses, registry, context });
  return { statistics: parseStatistics(text), reports };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('the mean of the windows that a layer sees', () => {
  it.each([
    { name: 'convolution', build: convolution, w: weights.conv, channels: 6 },
    { name: 'product', build: product, w: weights.matmul, channels: 5 },
  ])('gives, times the weights, the mean of the results of a $name', async ({ name, build, w, channels }) => {
    const { statistics } = await calibrated(build());
    const [window] = [...statistics.windows.values()];
    const center = Array.from(window?.sums ?? [], (sum) => sum / (window?.count ?? 0));
    const results = samples.map((x) => run(build(), x));
    for (let c = 0; c < channels; c++) {
      const own = results.flatMap((values) =>
        values.filter((_, i) => (name === 'product' ? i % channels : Math.floor((i * channels) / values.length)) === c),
      );
      const taps = w.length / channels;
      const start = name === 'product' ? 0 : Math.floor((c * 2) / channels) * taps;
      let expected = 0;
      for (let i = 0; i < taps; i++) {
        const weight = name === 'product' ? w[i * channels + c] : w[c * taps + i];
        expected += (weight as number) * (center[start + i] as number);
      }
      expect(mean(own)).toBeCloseTo(expected, 5);
    }
  });
});

describe('statistics', () => {
  it('of the compiled program are those of the interpreter, but for the last bits', async () => {
    const [{ statistics: wasm }, { statistics: interpreted }] = [
      await calibrated(network()),
      await calibrated(network(), { probe: undefined } as never),
    ];
    expect([wasm.engine, interpreted.engine]).toEqual(['wasm', 'interpreter']);
    expect([...wasm.values.keys()]).toEqual([...interpreted.values.keys()]);
    expect(wasm.values.size).toBe(4);
    for (const [name, { histogram }] of wasm.values) {
      const other = interpreted.values.get(name)?.histogram;
      expect(histogram.count).toBe(other?.count);
      expect(histogram.min).toBeCloseTo(other?.min ?? Number.NaN, 5);
      expect(histogram.max).toBeCloseTo(other?.max ?? Number.NaN, 5);
    }
    for (const [name, { sums }] of wasm.windows) {
      const other = interpreted.windows.get(name);
      sums.forEach((sum, i) => {
        expect(sum).toBeCloseTo(other?.sums[i] ?? Number.NaN, 3);
      });
    }
  });

  it('are the same at every run, and from the text that was saved', async () => {
    const { statistics } = await calibrated(network());
    const text = printStatistics(statistics);
    expect(printStatistics((await calibrated(network())).statistics)).toBe(text);
    const module = network();
    const loaded = await calibrated(module, { statistics: text, calibration: undefined } as never);
    expect(printStatistics(loaded.statistics)).toBe(text);
    const direct = network();
    await calibrated(direct);
    const facts = (of: Module) => [...of.facts].map(([name, resource]) => [name, resource.hash]);
    expect(facts(module)).toEqual(facts(direct));
  });

  it('of parts of the data merge into those of the whole', async () => {
    const parts = [samples.slice(0, 1), samples.slice(1)];
    const [a, b] = await Promise.all(parts.map(async (data) => (await calibrated(network(), { data })).statistics));
    const merged = mergeStatistics(a as Statistics, b as Statistics);
    const { statistics: whole } = await calibrated(network());
    expect(merged.samples).toBe(4);
    for (const [name, value] of whole.values) {
      expect(merged.values.get(name)?.histogram.toRecord()).toEqual(value.histogram.toRecord());
    }
    for (const [name, { count, sums }] of whole.windows) {
      const other = merged.windows.get(name);
      expect(other?.count).toBe(count);
      sums.forEach((sum, i) => {
        expect(other?.sums[i]).toBeCloseTo(sum, 9);
      });
    }
    expect(() => mergeStatistics(whole, { ...whole, values: new Map() })).toThrow(/do not fit/);
  });

  it('are the same when memory is short, and the data is then read several times', async () => {
    const { statistics } = await calibrated(network());
    const steps = 'insert-observers,calibrate{max_ram=4000}';
    const small = await calibrated(network(), { steps });
    expect(printStatistics(small.statistics)).toBe(printStatistics(statistics));
    expect(small.reports.join()).toMatch(/read 4 times/);
  });

  it('that are none, or of another model, are refused', async () => {
    const { statistics } = await calibrated(convolution());
    const text = printStatistics(statistics);
    await expect(calibrated(network(), { statistics: text })).rejects.toThrow(/say nothing about this value/);
    await expect(calibrated(network(), { statistics: '{' })).rejects.toThrow(/no JSON/);
    const damaged = text.replace('"samples": 4', '"samples": 0');
    await expect(calibrated(network(), { statistics: damaged })).rejects.toThrow(/samples/);
  });
});
