import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { storeWeights } from '../../passes/quantize/mixedWidths.ts';
import { outputErrors } from '../../passes/quantize/outputErrors.ts';
import { storeMatrix } from '../../passes/quantize/storedWeights.ts';
import { prepare } from '../../src/api/compile.ts';
import { constantBytes } from '../../src/api/measure/runner.ts';
import type { Module } from '../../src/ir/index.ts';
import { plainProducts } from '../../src/linalg/index.ts';
import type { Recipe, WeightScheme, WeightStorage } from '../../src/scheme/index.ts';
import { formatWeights } from '../differential/formatCases.ts';
import { GraphBuilder, wave } from './graphs.ts';

const [outputs, blocks] = [85, 6];
const weights = formatWeights({ outputs });
const inputs = weights.shape[0] as number;
const scheme: WeightScheme = {
  ...{ storage: 'i4', granularity: 'group', group: 32, symmetric: true, scale: 'f32', range: 'absmax' },
  mixed: [8, 2, 4],
};
const widths = [2, 4, 8];
const uniform = widths.map((bits) => storeMatrix(weights, { ...scheme, storage: `i${bits}` as WeightStorage }));
const sizeOf = (block: number) => Math.min(16, outputs - 16 * block);

/** Every choice of a width for each of six blocks. */
const choices = Array.from({ length: widths.length ** blocks }, (_, i) =>
  Array.from({ length: blocks }, (_, block) => Math.floor(i / widths.length ** block) % widths.length),
);

/** δᵀHδ summed over the outputs of each block, for each width, by the definition. */
function errorsOf(hessian: (i: number, j: number) => number): number[][] {
  return uniform.map(({ numbers }) => {
    const sums = new Array<number>(blocks).fill(0);
    const delta = (k: number, n: number) =>
      (numbers[k * outputs + n] as number) - (weights.data[k * outputs + n] as number);
    for (let n = 0; n < outputs; n++) {
      for (let i = 0; i < inputs; i++) {
        for (let j = 0; j < inputs; j++) {
          if (hessian(i, j) !== 0) (sums[n >> 4] as number) += delta(i, n) * hessian(i, j) * delta(j, n);
        }
      }
    }
    return sums;
  });
}

/** The least error of all choices in the space of 4 bits. */
function leastError(errors: readonly number[][]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const choice of choices) {
    const bits = choice.reduce((sum, place, block) => sum + (widths[place] as number) * sizeOf(block), 0);
    const error = choice.reduce((sum, place, block) => sum + (errors[place]?.[block] as number), 0);
    if (bits <= 4 * outputs) least = Math.min(least, error);
  }
  return least;
}

const chosen = (stored: { type: { params: { widths?: readonly number[] } | undefined } }) =>
  stored.type.params?.widths ?? [];

describe('widths of outputs', () => {
  it('have the least squared error of all choices in the space', () => {
    const stored = storeWeights(weights, scheme);
    const errors = errorsOf((i, j) => (i === j ? 1 : 0));
    const found = chosen(stored).reduce(
      (sum, bits, block) => sum + (errors[widths.indexOf(bits)]?.[block] as number),
      0,
    );
    expect(found).toBeCloseTo(leastError(errors), 9);
    expect(new Set(chosen(stored)).size).toBeGreaterThan(1);
  });

  it('have the least error of results, where samples tell', () => {
    const rows = Float64Array.from(wave(100 * inputs, 3), (x, i) => x * (1 + ((i % inputs) % 7)));
    const hessian = new Float64Array(inputs * inputs);
    for (let r = 0; r < 100; r++) {
      for (let i = 0; i < inputs; i++) {
        for (let j = 0; j < inputs; j++) {
          const product = (rows[r * inputs + i] as number) * (rows[r * inputs + j] as number);
          hessian[i * inputs + j] = (hessian[i * inputs + j] as number) + product;
        }
      }
    }
    const stored = storeWeights(weights, scheme, undefined, (deltas, n) =>
      outputErrors(hessian, deltas, inputs, n, plainProducts),
    );
    const errors = errorsOf((i, j) => hessian[i * inputs + j] as number);
    const least = leastError(errors);
    const found = chosen(stored).reduce(
      (sum, bits, block) => sum + (errors[widths.indexOf(bits)]?.[block] as number),
      0,
    );
    expect(found / least).toBeCloseTo(1, 9);
  });

  it('leave codes and numbers as the same outputs have them under one width', () => {
    const stored = storeWeights(weights, scheme);
    for (let i = 0; i < inputs * outputs; i++) {
      const of = uniform[widths.indexOf(chosen(stored)[(i % outputs) >> 4] as number)];
      expect(stored.codes.data[i]).toBe(of?.codes.data[i]);
      expect(stored.numbers[i]).toBe(of?.numbers[i]);
    }
  });
});

/** A layer of 64 outputs of which every fourth 16 are twelve times as large, and as many a twentieth. */
function unevenLayer(): Module {
  const graph = new GraphBuilder([1, 64]);
  const numbers = wave(64 * 64, 1).map((x, i) => x * ([1, 12, 0.05, 1][(i % 64) >> 4] as number));
  return graph.finish(graph.op(nn.matmul, [graph.x, graph.constant([64, 64], numbers)]));
}

describe('a model with widths by outputs', () => {
  it('takes the space of one width, and says which it has and why', async () => {
    const recipe: Recipe = { scheme: 'w4a8', weights: { mixed: [2, 4, 8] } };
    const mixed = await prepare(unevenLayer(), { scheme: recipe });
    const plain = await prepare(unevenLayer(), { scheme: 'w4a8' });
    expect(constantBytes(mixed.module)).toBeLessThanOrEqual(constantBytes(plain.module));
    const [first] = mixed.explanations;
    expect(first?.weights).toBe('i2, i4, i8 in the space of i4, a scale a group of 32');
    expect(first?.reason).toMatch(/^its outputs have widths of their own, by the error of weights: .* bits a weight$/);
  });
});
