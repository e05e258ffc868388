import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { estimate } from '../../src/api/measure/bootstrap.ts';
import { metrics } from '../../src/api/measure/metrics.ts';
import { Noise } from '../../src/api/measure/noise.ts';
import { evaluate, type MetricName } from '../../src/index.ts';
import type { Module } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { GraphBuilder, input, run, transform, wave } from './graphs.ts';
import { argMax } from './quality.ts';

/** A classifier of 6 classes. */
function classifier(): Module {
  const graph = new GraphBuilder([1, 8]);
  const hidden = graph.op(nn.matmul, [graph.x, graph.constant([8, 8], wave(64, 5))], { clamp: [0, 6] });
  return graph.finish(graph.op(nn.matmul, [hidden, graph.constant([8, 6], wave(48, 6))]));
}

const rows = Array.from({ length: 60 }, (_, i) => input([1, 8], wave(8, 100 + i)));
const dataset = rows.map((x) => ({ x }));
const calibration = dataset.slice(0, 8);

/** The float model's answers, every third one made wrong. */
const labels: HostTensor = {
  dtype: 'i32',
  shape: [rows.length],
  data: Int32Array.from(rows, (x, i) => (argMax(run(classifier(), x)) + (i % 3 === 0 ? 1 : 0)) % 6),
};

describe('schemes beside float', () => {
  it('are measured as the interpreter of the integer module answers', async () => {
    const { samples, schemes } = await evaluate(classifier(), { schemes: ['w8a8'], calibration, dataset, labels });
    expect(samples).toBe(60);
    const [float, w8a8] = schemes;
    expect(schemes.map(({ scheme, runsOn }) => [scheme, runsOn])).toEqual([
      ['float', 'wasm'],
      ['w8a8', 'wasm'],
    ]);
    expect(float?.metrics.top1?.value).toBeCloseTo(2 / 3, 10);
    expect(float?.metrics.snr).toBeUndefined();

    const integer = classifier();
    const steps = 'insert-observers,calibrate,quantize,to-integer,expand-dcast';
    await transform(integer, steps, rows.slice(0, 8));
    let [signal, noise, same, right] = [0, 0, 0, 0];
    for (const [i, row] of rows.entries()) {
      const [wanted, found] = [run(classifier(), row), run(integer, row)];
      wanted.forEach((v, j) => {
        signal += v * v;
        noise += (v - (found[j] as number)) ** 2;
      });
      if (argMax(wanted) === argMax(found)) same++;
      if (argMax(found) === labels.data[i]) right++;
    }
    const values = w8a8?.metrics as Record<MetricName, { value: number }>;
    expect(values.snr.value).toBeCloseTo(10 * Math.log10(signal / noise), 2);
    expect(values.mse.value / (noise / 360)).toBeCloseTo(1, 3);
    expect(values.agreement.value).toBeCloseTo(same / 60, 10);
    expect(values.top1.value).toBeCloseTo(right / 60, 10);
    expect(w8a8?.integerShare).toBe(1);
    expect(w8a8?.weightsBytes).toBeLessThan(float?.weightsBytes ?? 0);
  });

  it('give the same numbers again, and other intervals with another seed', async () => {
    const common = { schemes: ['w8a8'] as const, calibration, dataset, labels };
    const [first, again] = [await evaluate(classifier(), common), await evaluate(classifier(), common)];
    const withoutTimes = ({ schemes, ...rest }: typeof first) => ({
      ...rest,
      schemes: schemes.map((one) => ({ ...one, milliseconds: 0 })),
    });
    expect(withoutTimes(again)).toEqual(withoutTimes(first));
    const other = await evaluate(classifier(), { ...common, seed: 2 });
    expect(other.schemes[1]?.metrics.snr?.value).toBe(first.schemes[1]?.metrics.snr?.value);
    expect(other.schemes[1]?.metrics.snr?.low).not.toBe(first.schemes[1]?.metrics.snr?.low);
  });

  it('run in the interpreter where an operation has no kernel, and say so', async () => {
    const graph = new GraphBuilder([1, 2, 2]);
    const module = graph.finish(graph.op(nn.cast, [graph.x], { to: 'f64' }));
    const notes: string[] = [];
    const samples = [{ x: input([1, 2, 2], [1, 2, 3, 5]) }];
    const { schemes } = await evaluate(module, { schemes: [], dataset: samples, report: (line) => notes.push(line) });
    expect(schemes[0]?.runsOn).toBe('interpreter');
    expect(notes.join('\n')).toMatch(/interpreter.*f64/);
  });

  it('read the data once, one sample after the other', async () => {
    let read = 0;
    const stream = {
      *[Symbol.iterator]() {
        for (const sample of dataset) {
          read++;
          yield sample;
        }
      },
    };
    await evaluate(classifier(), { schemes: ['w8a8'], calibration, dataset: stream });
    expect(read).toBe(60);
  });

  it.each([
    [{ metrics: ['top1'] as MetricName[] }, /top1 needs labels/],
    [{ labels: { dtype: 'i32', shape: [59], data: new Int32Array(59) } as HostTensor }, /has 0 labels|59/],
    [{ labels: { dtype: 'i32', shape: [61], data: new Int32Array(61) } as HostTensor }, /60 samples and labels for 61/],
    [
      { labels: { dtype: 'i32', shape: [60], data: new Int32Array(60).fill(6) } as HostTensor },
      /label 6 is none of the 6/,
    ],
    [{ result: 'z' }, /no output 'z'/],
  ])('refuse %j', async (options, says) => {
    await expect(evaluate(classifier(), { schemes: [], dataset, ...options })).rejects.toThrow(says);
  });
});

describe('metrics', () => {
  const sample = (output: number[], given: number[]) => ({ reference: output, output, classes: 6, labels: given });

  it('give ties to the lower index', () => {
    const output = [1, 3, 3, 0, 0, 0];
    expect(metrics.top1.measure(sample(output, [1]))).toEqual([1, 1]);
    expect(metrics.top1.measure(sample(output, [2]))).toEqual([0, 1]);
    expect(metrics.top5.measure(sample(output, [4]))).toEqual([1, 1]);
    expect(metrics.top5.measure(sample(output, [5]))).toEqual([0, 1]);
  });

  it('do not count negative labels, nor a NaN as right', () => {
    expect(metrics.top1.measure(sample([0, 1, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0], [-1, 0]))).toEqual([1, 1]);
    expect(metrics.top1.measure(sample(new Array(6).fill(Number.NaN), [0]))).toEqual([0, 1]);
  });

  it('perplexity is that of the softmax of the logits', () => {
    const logits = [1, 2, 0, -1, 0.5, 3, 0, 0, 0, 0, 0, 0];
    const total = logits.slice(0, 6).reduce((sum, x) => sum + Math.exp(x), 0);
    const found = metrics.perplexity.conclude([metrics.perplexity.measure(sample(logits, [1, 4]))]);
    expect(found).toBeCloseTo(Math.sqrt((total / Math.exp(2)) * 6), 10);
    const second = metrics.perplexity.measure(sample(logits, [-1, 4]));
    expect(metrics.perplexity.conclude([second])).toBeCloseTo(6, 12);
  });

  it('auc is the share of pairs in the right order, equal scores counting half', () => {
    const scores = wave(40, 3).map((v) => Math.round(v * 8));
    const labels = wave(40, 4).map((v, i) => (v + (scores[i] as number) / 8 > 0 ? 1 : 0));
    let [right, pairs] = [0, 0];
    scores.forEach((a, i) => {
      scores.forEach((b, j) => {
        if (labels[i] !== 1 || labels[j] !== 0) return;
        pairs++;
        right += a > b ? 1 : a === b ? 0.5 : 0;
      });
    });
    const contributions = scores.map((score, i) =>
      metrics.auc.measure({ reference: [score], output: [score], classes: 1, labels: [labels[i] as number] }),
    );
    expect(metrics.auc.conclude(contributions)).toBeCloseTo(right / pairs, 12);
    expect(metrics.auc.measure({ reference: [], output: [1, 4], classes: 2, labels: [1] })).toEqual([3, 1]);
  });

  it('know noise and angle', () => {
    const noise = new Noise();
    noise.add([3, 4], [3, 3.9]);
    expect(noise.fidelity.snr).toBeCloseTo(10 * Math.log10(25 / 0.01), 8);
    expect(noise.fidelity.cosine).toBeCloseTo((9 + 15.6) / (5 * Math.hypot(3, 3.9)), 12);
  });
});

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('the bootstrap', () => {
  it('has the width that the binomial distribution gives a share', () => {
    const count = 400;
    const parts = Array.from({ length: count }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const { value, low, high } = estimate(parts, mean, 1);
    expect(value).toBe(0.25);
    const halfWidth = 1.96 * Math.sqrt((0.25 * 0.75) / count);
    expect((high - low) / 2 / halfWidth).toBeGreaterThan(0.9);
    expect((high - low) / 2 / halfWidth).toBeLessThan(1.1);
    expect((high + low) / 2).toBeCloseTo(0.25, 2);
  });

  it('has no width where all samples are alike', () => {
    const ones = new Array(50).fill(1);
    expect(estimate(ones, mean, 1)).toEqual({ value: 1, low: 1, high: 1 });
  });
});
