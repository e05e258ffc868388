import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { karhunenLoeve, randomHadamard, randomOrthogonal } from '../../passes/transform/rotation/orthogonal.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import { eigenvectors } from '../../src/linalg/index.ts';
import { hadamardFactors, hadamardMatrix, hadamardPart } from '../../src/numerics/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { printModule } from '../../src/text/index.ts';
import { GraphBuilder, input, opNames, transform, wave } from '../quant/graphs.ts';
import { decibels } from '../quant/signal.ts';

describe('Hadamard matrices', () => {
  it.each([1, 2, 16, 12, 24, 96, 20, 40, 28, 56])('H·Hᵀ = n·1 for n = %i', (n) => {
    const h = hadamardMatrix(n);
    const row = (i: number) => Array.from(h.subarray(i * n, (i + 1) * n));
    expect(new Set(h).size).toBe(n === 1 ? 1 : 2);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const b = row(j);
        expect(row(i).reduce((sum, a, k) => sum + a * (b[k] as number), 0)).toBe(i === j ? n : 0);
      }
    }
  });

  it('are known for no other sizes', () => {
    expect([3, 6, 0, 44, 172].map((n) => hadamardFactors(n))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([172, 96, 7, 36].map(hadamardPart)).toEqual([4, 96, 1, 12]);
  });
});

describe.each([
  ['randomHadamard', randomHadamard],
  ['randomOrthogonal', randomOrthogonal],
  ['karhunenLoeve', (n: number, seed: number) => karhunenLoeve(n, [wave(50 * n, 4)], seed)],
] as const)('%s', (_, make) => {
  it.each([8, 12, 86])('keeps inner products and spreads one channel over all %i', (n) => {
    const map = make(n, 5);
    const columns = Float64Array.from({ length: n * n }, (_x, at) => (at % (n + 1) === 0 ? 1 : 0));
    map.apply(columns, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < n; k++) dot += (columns[k * n + i] as number) * (columns[k * n + j] as number);
        expect(dot).toBeCloseTo(i === j ? 1 : 0, 12);
      }
    }
    expect(Math.max(...columns.map(Math.abs))).toBeLessThan(0.95);
  });
});

describe('the Karhunen–Loève transform', () => {
  const n = 12;
  // correlated channels of very different size
  const rows = wave(200 * n, 3).map((x, i, all) => x * 4 ** ((i % n) / 3) + 5 * (all[i - (i % n)] as number));
  const moments = (data: ArrayLike<number>, i: number, j: number): number => {
    let sum = 0;
    for (let from = 0; from < data.length; from += n) sum += (data[from + i] as number) * (data[from + j] as number);
    return sum;
  };

  it('has eigenvectors in order', () => {
    const a = Float64Array.from({ length: n * n }, (_, at) => moments(rows, Math.floor(at / n), at % n));
    const v = eigenvectors(a, n);
    const values = Array.from({ length: n }, (_, k) => {
      const row = v.subarray(k * n, (k + 1) * n);
      const image = Array.from(row, (_, i) => row.reduce((sum, x, j) => sum + (a[i * n + j] as number) * x, 0));
      const value = image.reduce((sum, x, i) => sum + x * (row[i] as number), 0);
      image.forEach((x, i) => {
        expect(Math.abs(x - value * (row[i] as number)) / (a[0] as number)).toBeLessThan(1e-11);
      });
      return value;
    });
    expect(values).toEqual(values.toSorted((x, y) => y - x));
  });

  it('gives all channels one second moment, which the Hadamard matrix alone does not', () => {
    const [klt, hadamard] = [karhunenLoeve(n, [rows], 1), randomHadamard(n, 1)].map((map) => {
      const data = Float64Array.from(rows);
      for (let from = 0; from < data.length; from += n) map.apply(data.subarray(from, from + n), 1);
      return Array.from({ length: n }, (_, i) => moments(data, i, i));
    }) as [number[], number[]];
    const mean = klt.reduce((sum, x) => sum + x / n, 0);
    for (const x of klt) expect(x / mean).toBeCloseTo(1, 10);
    expect(Math.max(...hadamard) / mean).toBeGreaterThan(1.1);
  });
});

const channels = 16;
const outlier = 3;
const samples = [1, 2, 3].map((seed) => input([8, channels], wave(8 * channels, seed)));
const sample = input([8, channels], wave(8 * channels, 99));

type Through = (graph: GraphBuilder, x: Value) => Value;

/** A residual stream of two blocks, in which one channel always has a large offset. */
function network(between: Through = (_, x) => x): Module {
  const graph = new GraphBuilder([8, channels]);
  const weights = (seed: number) => graph.constant([channels, channels], wave(channels ** 2, seed));
  const bias = () =>
    graph.constant(
      [channels],
      wave(channels, 7).map((b, n) => (n === outlier ? 64 : b)),
    );
  let stream = graph.op(nn.matmul, [graph.x, weights(10), bias()]);
  for (const seed of [11, 13]) {
    const norm = graph.op(nn.normalize, [between(graph, stream)], { axis: 1 });
    const hidden = graph.op(nn.silu, [graph.op(nn.matmul, [norm, weights(seed), undefined])]);
    stream = graph.op(nn.add, [stream, graph.op(nn.matmul, [hidden, weights(seed + 1), bias()])]);
  }
  const last = graph.op(nn.normalize, [stream], { axis: 1 });
  return graph.finish(graph.op(nn.matmul, [last, weights(15), undefined]));
}

const resultOf = (module: Module) => interpret(module, { x: sample }).y as HostTensor;
const textOf = (module: Module) => printModule(module).text;

describe('rotate-residual', () => {
  it('wins back what an outlier channel costs under w8a8', async () => {
    const quantize = 'insert-observers,calibrate,quantize';
    const [plain, rotated] = [network(), network()];
    await transform(plain, quantize, samples);
    const lines = await transform(rotated, `rotate-residual,${quantize}`, samples);
    expect(lines.filter((line) => line.startsWith('rotate'))).toEqual(['rotate-residual: 1 of 1 places']);
    const exact = resultOf(network());
    const noiseOf = (module: Module) => decibels([[exact, resultOf(module)]]);
    expect(noiseOf(rotated)).toBeGreaterThan(noiseOf(plain) + 3);
  });

  it.each(['random', 'klt'])(
    'computes the same function by a %s matrix, and a LayerNorm takes no mean away any more',
    async (matrix) => {
      const module = network();
      await transform(module, `rotate-residual{matrix=${matrix}}`, samples);
      const [a, b] = [resultOf(network()), resultOf(module)].map(({ data }) => Array.from(data as Float32Array)) as [
        number[],
        number[],
      ];
      a.forEach((x, i) => {
        expect(b[i]).toBeCloseTo(x, 3);
      });
      expect(/nn\.normalize .*center = false/.test(textOf(module))).toBe(true);
    },
  );

  it('is refused, and says so, where it makes the error larger', async () => {
    // weights on the grid of their codes lose next to nothing; rotated ones do
    const graph = new GraphBuilder([8, channels]);
    const onGrid = (seed: number) =>
      graph.constant(
        [channels, channels],
        wave(channels ** 2, seed).map((w, i) => (i < channels ? 127 : Math.round(100 * w)) / 127),
      );
    const norm = graph.op(nn.normalize, [graph.op(nn.matmul, [graph.x, onGrid(1), undefined])], { axis: 1 });
    const module = graph.finish(graph.op(nn.matmul, [norm, onGrid(2), undefined]));
    const before = textOf(module);
    const lines = await transform(module, 'rotate-residual{recipe="w8a16"}', samples);
    expect(lines[0]).toMatch(/^layer \d+: rotate-residual is refused: it multiplies the error by [\d.e+]+$/);
    expect(lines.at(-1)).toBe('rotate-residual: 0 of 1 places');
    expect(textOf(module)).toBe(before);
  });

  it('names the node that the graph does not let through', async () => {
    const module = network((graph, x) => graph.op(nn.sigmoid, [x]));
    const lines = await transform(module, 'rotate-residual', samples);
    expect(lines[0]).toMatch(/^layer \d+: rotate-residual is refused: layer \d+ \(nn\.sigmoid\) makes it$/);
    expect(textOf(module)).toBe(textOf(network((graph, x) => graph.op(nn.sigmoid, [x]))));
  });
});

describe('reorder-channels', () => {
  // every fourth channel is large, and meets small weights: groups of 4 share a scale
  const interleaved = (): Module => {
    const graph = new GraphBuilder([8, channels]);
    const size = (n: number) => (n % 4 === 0 ? 64 : 1);
    const first = wave(channels ** 2, 3).map((w, i) => w * size(i % channels));
    const second = wave(channels ** 2, 4).map((w, i) => w / size(Math.floor(i / channels)));
    const hidden = graph.op(nn.silu, [
      graph.op(nn.matmul, [graph.x, graph.constant([channels, channels], first), undefined]),
    ]);
    return graph.finish(graph.op(nn.matmul, [hidden, graph.constant([channels, channels], second), undefined]));
  };
  const recipe = JSON.stringify({ scheme: 'w4a16', weights: { group: 4 } });
  const step = (name: string, options: string) => `${name}{${options}recipe=${JSON.stringify(recipe)}}`;

  it.each(['activations', 'weights'])(
    'by %s puts channels of one size into one group, through a function',
    async (by) => {
      const [plain, sorted] = [interleaved(), interleaved()];
      const lines = await transform(sorted, step('reorder-channels', `by=${by}, `), samples);
      expect(lines.at(-1)).toBe('reorder-channels: 1 of 1 places');
      const exact = resultOf(interleaved());
      expect(decibels([[exact, resultOf(sorted)]])).toBeGreaterThan(120);
      await transform(plain, step('quantize-weights', ''), samples);
      await transform(sorted, step('quantize-weights', ''), samples);
      const noiseOf = (module: Module) => decibels([[exact, resultOf(module)]]);
      expect(noiseOf(sorted)).toBeGreaterThan(noiseOf(plain) + 3);
    },
  );
});

describe('rotate-inputs', () => {
  it('transforms at run time what constants cannot reach', async () => {
    const graph = new GraphBuilder([8, channels]);
    const spread = graph.constant(
      [channels, channels],
      wave(channels ** 2, 3).map((w, i) => (i % channels === outlier ? 64 * w : w)),
    );
    const hidden = graph.op(nn.silu, [graph.op(nn.matmul, [graph.x, spread, undefined])]);
    const y = graph.op(nn.matmul, [hidden, graph.constant([channels, channels], wave(channels ** 2, 4)), undefined]);
    const module = graph.finish(y);
    const exact = resultOf(module);
    await transform(module, 'rotate-inputs', samples);
    expect(opNames(module)).toContain('nn.hadamard');
    expect(decibels([[exact, resultOf(module)]])).toBeGreaterThan(110);
  });
});
