import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { layerWindows } from '../../passes/quantize/layerWindows.ts';
import { sensitivities } from '../../passes/quantize/sensitivity.ts';
import { tiedLayers } from '../../passes/quantize/tiedLayers.ts';
import { prepare } from '../../src/api/compile.ts';
import { constantBytes } from '../../src/api/measure/runner.ts';
import { runPipeline } from '../../src/api/pipeline.ts';
import { frontPicture } from '../../src/cli/frontPicture.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module, Op, Value } from '../../src/ir/index.ts';
import { type Choice, equalLoss, leastCost } from '../../src/linalg/index.ts';
import type { FrontPoint } from '../../src/pass/index.ts';
import { type Recipe, sensitivityNames, solverNames } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { GraphBuilder, wave } from '../quant/graphs.ts';
import { decibels } from '../quant/signal.ts';
import { calibration, network } from '../scheme/network.ts';

/** Things with sizes and costs from a fixed sequence. */
function things(count: number, choices: number, largest: number, seed: number): Choice[][] {
  const numbers = wave(count * choices * 2, seed).map(Math.abs);
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: choices }, (_x, j) => {
      const at = (i * choices + j) * 2;
      return { size: Math.floor((numbers[at] as number) * largest), cost: numbers[at + 1] as number };
    }),
  );
}

const sumOf = (all: readonly (readonly Choice[])[], places: readonly number[]): Choice =>
  all.reduce(
    (sum, choices, i) => {
      const { size, cost } = choices[places[i] as number] as Choice;
      return { size: sum.size + size, cost: sum.cost + cost };
    },
    { size: 0, cost: 0 },
  );

/** Every way to choose. */
function* ways(all: readonly (readonly Choice[])[], at = 0): Generator<number[]> {
  if (at === all.length) yield [];
  else for (const rest of ways(all, at + 1)) for (const place of (all[at] as Choice[]).keys()) yield [place, ...rest];
}

describe('the choice of least cost within a budget', () => {
  it.each([1, 2, 3, 4, 5, 6])('is that of all ways, seed %i', (seed) => {
    const all = things(6, 4, 100, seed);
    for (const budget of [0, 50, 120, 200, 350, 600]) {
      const possible = [...ways(all)].map((places) => sumOf(all, places)).filter(({ size }) => size <= budget);
      const found = leastCost(all, budget);
      expect(found === undefined).toBe(possible.length === 0);
      if (!found) continue;
      expect(sumOf(all, found).size).toBeLessThanOrEqual(budget);
      expect(sumOf(all, found).cost).toBeCloseTo(Math.min(...possible.map(({ cost }) => cost)), 12);
    }
  });

  it('takes less than 5 s for 200 layers of 5 widths, within a thousandth of what more cells would give', () => {
    const bits = [2, 3, 4, 6, 8];
    const weights = wave(200, 3).map((w) => Math.floor(1e6 * Math.abs(w)) + 1);
    const all = weights.map((n, i) =>
      bits.map((b) => ({ size: Math.ceil((n * b) / 8), cost: 4 ** -b * (1 + (i % 7)) ** 2 * 1e3 })),
    );
    const budget = Math.floor(
      1.1 *
        sumOf(
          all,
          all.map(() => 2),
        ).size,
    );
    // of the processor: other programs take the clock's time
    const before = process.cpuUsage();
    const found = leastCost(all, budget) as number[];
    expect(process.cpuUsage(before).user).toBeLessThan(5e6);
    const { size, cost } = sumOf(all, found);
    expect(size).toBeLessThanOrEqual(budget);
    // a dual bound: no choice is better than min Σ cost + λ(size − budget), for any λ ≥ 0
    const bound = Math.max(
      ...Array.from({ length: 200 }, (_, k) => {
        const price = 1e-9 * 1.15 ** k;
        const least = all.map((choices) => Math.min(...choices.map((one) => one.cost + price * one.size)));
        return least.reduce((sum, x) => sum + x, 0) - price * budget;
      }),
    );
    expect(cost).toBeLessThan(1.02 * bound);
  });
});

describe('widths of equal loss', () => {
  const bits = [2, 3, 4, 5, 6, 8];
  const sensitive = wave(40, 5).map((x) => 4 ** (3 * x));
  const counts = wave(40, 6).map((x) => 1000 + Math.floor(900 * x));
  const all = sensitive.map((c, i) => ({
    choices: bits.map((b) => ({
      size: Math.ceil(((counts[i] as number) * b) / 8),
      cost: c * (counts[i] as number) * 4 ** -b,
    })),
    weights: counts[i] as number,
  }));
  const choices = all.map((one) => one.choices);
  const plain = sumOf(
    choices,
    choices.map(() => 2),
  ).size;

  it.each([0.7, 1, 1.1, 1.5])('keep to %f of 4 bits, near the least cost, which the program finds', (share) => {
    const budget = Math.floor(share * plain);
    const found = sumOf(choices, equalLoss(all, bits, budget, Math.log2) as number[]);
    const least = sumOf(choices, leastCost(choices, budget) as number[]);
    expect(found.size).toBeLessThanOrEqual(budget);
    expect(found.size).toBeGreaterThan(0.93 * budget);
    expect(found.cost).toBeGreaterThanOrEqual(least.cost);
    expect(found.cost).toBeLessThan(1.6 * least.cost);
  });

  it('rise with the sensitivity of a weight, by a bit for each factor of 4', () => {
    const places = equalLoss(all, bits, plain, Math.log2) as number[];
    for (const [i, place] of places.entries()) {
      for (const [j, other] of places.entries()) {
        const between = Math.log2((sensitive[i] as number) / (sensitive[j] as number)) / 2;
        const inside = [place, other].every((one) => one > 0 && one < bits.length - 2);
        if (inside) expect(Math.abs((bits[place] as number) - (bits[other] as number) - between)).toBeLessThan(1.01);
      }
    }
  });

  it('do not exist within too small a budget', () => {
    expect(equalLoss(all, bits, 1, Math.log2)).toBe(undefined);
    expect(equalLoss(all, bits, 1e9, Math.log2)).toEqual(all.map(() => bits.length - 1));
  });
});

describe('what rounding weights costs', () => {
  const size = 48;
  const layer = (): Module => {
    const graph = new GraphBuilder([12, size]);
    return graph.finish(graph.op(nn.matmul, [graph.x, graph.constant([size, size], wave(size ** 2, 8)), undefined]));
  };

  it('is the same by the trace of a Hessian as measured where inputs are not correlated, and by Hutchinson', async () => {
    const module = layer();
    const op = [...module.main.body.ops()].find((one) => nn.matmul.is(one)) as Op;
    const samples = [1, 2].map((seed) => ({
      x: { dtype: 'f32', shape: [12, size], data: Float32Array.from(wave(12 * size, seed)) } as HostTensor,
    }));
    const context = { calibration: samples, report: () => {} } as never;
    const parts = await layerWindows(module, [op], context, 'a test');
    const change = Float64Array.from(wave(size ** 2, 9), (x) => 0.01 * x);
    const costs = sensitivityNames.map((name) => sensitivities[name](module, parts, context)(op, [change]));
    const [output, trace, hutchinson] = costs as [number, number, number];
    expect(output).toBeGreaterThan(0);
    expect(Math.abs(trace / output - 1)).toBeLessThan(0.2);
    expect(Math.abs(hutchinson / trace - 1)).toBeLessThan(0.2);
  });
});

describe('a budget of bits', () => {
  const recipe = (budget?: Recipe['budget']): Recipe => ({ scheme: 'w4a16', ...(budget ? { budget } : {}) });
  const noiseOf = (module: Module) => {
    const results = (one: Module) => calibration.map((sample) => interpret(one, sample).y as HostTensor);
    const [float, stored] = [results(network().module), results(module)];
    return decibels(float.map((y, i) => [y, stored[i] as HostTensor]));
  };

  it('keeps to it, and does better the more there is', async () => {
    const noises: number[] = [];
    for (const share of [0.8, 1.1, 1.6]) {
      const lines: string[] = [];
      const report = (line: string) => lines.push(line);
      const { module } = await prepare(network().module, { scheme: recipe({ share }), calibration, report });
      const [, taken, most] = /^bits: (\d+) bytes of codes of (\d+),/m.exec(lines.join('\n')) ?? [];
      expect(Number(most)).toBe(Math.floor((3 * 64 * 64 * share) / 2));
      expect(Number(taken)).toBeLessThanOrEqual(Number(most));
      noises.push(noiseOf(module));
    }
    expect(noises).toEqual(noises.toSorted((a, b) => a - b));
    const { module } = await prepare(network().module, { scheme: recipe() });
    expect(noises[1]).toBeGreaterThan(noiseOf(module));
  });

  it.each(sensitivityNames)('counts costs by %s, and has a closed form', async (sensitivity) => {
    const { module: plain } = await prepare(network().module, { scheme: recipe() });
    for (const solver of solverNames) {
      const budget = { share: 1.25, sensitivity, solver };
      const { module } = await prepare(network().module, { scheme: recipe(budget), calibration });
      expect(noiseOf(module)).toBeGreaterThan(noiseOf(plain));
    }
  });

  it('says which layers got another width, and why', async () => {
    const { explanations } = await prepare(network().module, { scheme: recipe({ bytes: 9500 }), calibration });
    const others = explanations.filter(({ reason }) => /^the recipe's budget gives it i\d$/.test(reason));
    expect(others.length).toBeGreaterThan(0);
    for (const { weights, reason } of others) expect(weights).toContain(reason.slice(-2));
  });

  it.each(['share', 'bops'] as const)('of %s gives layers between calibrated ranges widths too', async (kind) => {
    const prepared = (budget: number | undefined) => {
      const limits: Recipe =
        budget === undefined ? { scheme: 'w8a8' } : { scheme: 'w8a8', budget: { [kind]: budget } as never };
      return prepare(network().module, { scheme: { ...limits, weights: { storage: 'i4' } }, calibration });
    };
    const [plain, some, more] = await Promise.all([undefined, 1.1, 1.6].map(prepared));
    const noises = [plain, some, more].map((one) => noiseOf((one as { module: Module }).module));
    expect(noises).toEqual(noises.toSorted((a, b) => a - b));
    const bytes = [plain, some, more].map((one) => constantBytes((one as { module: Module }).module));
    const codes = 3 * 64 * 32;
    expect((bytes[1] as number) - (bytes[0] as number)).toBeLessThanOrEqual(0.1 * codes);
    expect((bytes[2] as number) - (bytes[0] as number)).toBeGreaterThan(0.4 * codes);
  });

  it('of time measures the layers in every width', { timeout: 60_000 }, async () => {
    const lines: string[] = [];
    const points: FrontPoint[] = [];
    const { explanations } = await prepare(network().module, {
      scheme: { scheme: 'w8a8', budget: { latency: 1.5 } },
      calibration,
      report: (line) => lines.push(line),
      front: (point) => points.push(point),
    });
    const [, taken, most] = /^bits: (\d+) nanoseconds of layers of (\d+), error/m.exec(lines.join('\n')) ?? [];
    expect(Number(taken)).toBeGreaterThan(0);
    expect(Number(taken)).toBeLessThanOrEqual(Number(most));
    expect(explanations).toHaveLength(3);
    expect(points.map(({ error }) => error)).toEqual(points.map(({ error }) => error).toSorted((a, b) => b - a));
    expect(frontPicture(points)).toContain('nanoseconds of layers');
    const alone = runPipeline(
      network().module,
      'allocate-bits{recipe="{\\"scheme\\":\\"w8a8\\",\\"budget\\":{\\"latency\\":1}}"}',
      {
        calibration,
      },
    );
    await expect(alone).rejects.toThrow(/needs measured times/);
  });

  it('gives layers that meet in a sum one width', () => {
    const graph = new GraphBuilder([1, 8]);
    const layer = (x: Value, seed: number) => graph.op(nn.matmul, [x, graph.constant([8, 8], wave(64, seed))]);
    const first = layer(graph.x, 1);
    const second = graph.op(nn.sigmoid, [layer(first, 2)]);
    const third = layer(graph.op(nn.add, [first, second]), 3);
    const layers = [first, second.op?.operand(0), third].map((value) => value?.op as Op);
    const tied = tiedLayers(layers).map((group) => group.map((op) => layers.indexOf(op)));
    expect(tied).toEqual([[0, 1], [2]]);
  });

  it('is refused where it is too small, or widths cannot be chosen', async () => {
    const tiny = prepare(network().module, { scheme: recipe({ bytes: 1000 }), calibration });
    await expect(tiny).rejects.toThrow(/a budget of 1000 bytes of codes/);
    const fixed = prepare(network().module, { scheme: { scheme: 'nf4', budget: { share: 1 } }, calibration });
    await expect(fixed).rejects.toThrow(/budget: for weights whose width cannot be chosen/);
  });
});
