import { describe, expect, it } from 'vitest';
import { conv } from '../../dialects/nn/conv.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { softmax } from '../../dialects/nn/softmax.ts';
import { prepare } from '../../src/api/compile.ts';
import {
  mergeStatistics,
  observerOf,
  parseStatistics,
  printStatistics,
  type Range,
  ValueStatistics,
} from '../../src/calibrate/index.ts';
import { GraphBuilder, input, wave } from '../quant/graphs.ts';

const [tokens, channels] = [20_000, 16];
const [least, most] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** Rows of numbers in [−1, 1); in one of them, two channels have an outlier each, at either end. */
function rows(count = tokens): number[][] {
  const values = wave(count * channels, 5);
  const data = Array.from({ length: count }, (_, t) => values.slice(t * channels, (t + 1) * channels));
  (data[7] as number[])[3] = 4;
  (data[7] as number[])[11] = -4;
  return data;
}

function seen(kind: 'tokens' | 'channels', data: number[][], portion = data.length): ValueStatistics {
  const statistics = new ValueStatistics();
  for (let i = 0; i < data.length; i += portion) {
    const part = Float32Array.from(data.slice(i, i + portion).flat());
    statistics.add(part, least, most);
    statistics.addSlices(kind, part, { channels, inner: 1 }, least, most);
  }
  return statistics;
}

/** Σ (x − dequantize(quantize(x)))² with 8 bits, as numpy would have it. */
function error(
  values: number[],
  { min, max }: Range,
  measure = (x: number, y: number, _step: number) => (x - y) ** 2,
): number {
  const scale = (max - min) / 255;
  const zero = Math.round(-128 - min / scale);
  return values.reduce((sum, x) => {
    const code = Math.min(127, Math.max(-128, Math.round(x / scale) + zero));
    return sum + measure(x, (code - zero) * scale, scale);
  }, 0);
}

const quantile = (sorted: number[], share: number): number =>
  sorted[Math.max(Math.ceil(share * sorted.length - 1e-9) - 1, 0)] as number;
const ascending = (values: number[]) => values.toSorted((a, b) => a - b);
const smallest = (values: number[], ranges: Range[]): number =>
  Math.min(...ranges.map((range) => error(values, range)));
const columnsOf = (data: number[][]) => Array.from({ length: channels }, (_, c) => data.map((row) => row[c] as number));

describe('observers of tokens and channels', () => {
  it('token cuts both ends at one quantile of the extremes of tokens', () => {
    const data = rows();
    const highs = ascending(data.map((row) => Math.max(...row)));
    const lows = ascending(data.map((row) => -Math.min(...row)));
    const ranges = Array.from({ length: 51 }, (_, i) => 1 - i / 100).map((share) => ({
      min: -quantile(lows, share),
      max: quantile(highs, share),
    }));
    const chosen = observerOf('token', 0).choose(seen('tokens', data));
    // Bins stand for their values.
    expect(error(data.flat(), chosen)).toBeLessThan(1.02 * smallest(data.flat(), ranges));
    expect(error(data.flat(), chosen)).toBeLessThan(0.9 * error(data.flat(), ranges[0] as Range));
  });

  it('channel cuts each end at its own quantile of the extremes of channels', () => {
    const data = rows();
    const highs = ascending(columnsOf(data).map((column) => column.reduce((a, b) => Math.max(a, b))));
    const lows = ascending(columnsOf(data).map((column) => -column.reduce((a, b) => Math.min(a, b))));
    const shares = Array.from({ length: 11 }, (_, i) => 1 - i / 20);
    const ranges = shares.flatMap((below) =>
      shares.map((above) => ({ min: -quantile(lows, below), max: quantile(highs, above) })),
    );
    const chosen = observerOf('channel', 0).choose(seen('channels', data));
    expect(error(data.flat(), chosen)).toBeLessThan(1.02 * smallest(data.flat(), ranges));
    expect(ranges.some(({ min, max }) => Math.fround(min) === chosen.min && Math.fround(max) === chosen.max)).toBe(
      true,
    );
  });

  it('log2 has the smallest error of logarithms on results of softmax, and is lp on others', () => {
    const values = wave(4000, 3).map((x) => 2 ** (-4 * (x + 1)));
    const statistics = new ValueStatistics();
    statistics.add(Float32Array.from(values), least, most);
    const logarithmic = (x: number, y: number, step: number) => Math.log2(Math.max(y, step / 4) / x) ** 2;
    const { histogram, average } = statistics;
    const chosen = observerOf('log2', 0).choose({ histogram, average, isShare: true });
    const of = (range: Range) => error(values, range, logarithmic);
    const ranges = Array.from({ length: 81 }, (_, i) => ({ min: 0, max: (1 - i / 100) * Math.max(...values) }));
    expect(of(chosen)).toBeLessThan(1.02 * Math.min(...ranges.map(of)));
    expect(of(chosen)).toBeLessThan(of(observerOf('lp', 0).choose(statistics)));
    expect(observerOf('log2', 0).choose(statistics)).toEqual(observerOf('lp', 0).choose(statistics));
  });

  it.each(['tokens', 'channels'] as const)('extremes of %s merge exactly, and are written and read', (kind) => {
    const data = rows(60);
    const statisticsOf = (part: number[][]) => ({
      ...{ engine: 'wasm' as const, samples: 1, windows: new Map(), raised: new Set<string>() },
      values: new Map([['x', seen(kind, part, 5)]]),
    });
    const merged = mergeStatistics(statisticsOf(data.slice(0, 20)), statisticsOf(data.slice(20)));
    const slices = (from: ValueStatistics | undefined) => from?.[kind]?.toRecord();
    expect(slices(merged.values.get('x'))).toEqual(slices(seen(kind, data)));
    expect(slices(parseStatistics(printStatistics(merged)).values.get('x'))).toEqual(slices(seen(kind, data)));
  });

  it('are chosen by name, and ask for statistics that were collected for them', async () => {
    const model = () => {
      const g = new GraphBuilder([1, 4, 6, 6]);
      const attributes = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
      const image = g.op(conv, [g.x, g.constant([8, 4, 3, 3], wave(288, 3))], attributes);
      const weights = g.op(softmax, [g.op(reshape, [image], { shape: [8, 16] })], { axis: 1 });
      return g.finish(g.op(matmul, [weights, g.constant([16, 5], wave(80, 7))]));
    };
    const calibration = [1, 2, 3].map((seed) => ({ x: input([1, 4, 6, 6], wave(144, seed)) }));
    const rangesBy = async (observer: 'token' | 'channel' | 'log2', statistics?: string) => {
      const options = statistics === undefined ? { calibration } : { statistics: [statistics] };
      const { calibration: record } = await prepare(model(), { scheme: 'w8a8', observer, ...options });
      return record;
    };
    for (const observer of ['token', 'channel', 'log2'] as const) {
      const record = await rangesBy(observer);
      expect(record?.samples).toBe(3);
    }
    const plain = await savedBy('log2', model(), calibration);
    await expect(rangesBy('token', plain)).rejects.toThrow(/statistics say nothing about tokens/);
    const sliced = await savedBy('token', model(), calibration);
    const { values } = parseStatistics(sliced);
    // 36 places of an image of 4 channels, three times
    expect(values.get('x')?.tokens?.low.count).toBe(108);
    await expect(rangesBy('token', sliced)).resolves.toBeDefined();
  });
});

async function savedBy(
  observer: 'token' | 'log2',
  module: Parameters<typeof prepare>[0],
  calibration: NonNullable<Parameters<typeof prepare>[1]>['calibration'],
): Promise<string> {
  const texts: string[] = [];
  await prepare(module, {
    ...{ scheme: 'w8a8', observer, keepStatistics: (text: string) => texts.push(text) },
    ...(calibration ? { calibration } : {}),
  });
  return texts[0] as string;
}
