import { describe, expect, it } from 'vitest';
import { adaRounding } from '../../passes/quantize/adaRound.ts';
import { type GptqOutcome, gptqRounding } from '../../passes/quantize/gptq.ts';
import { roundToNearest, storeMatrix } from '../../passes/quantize/storedWeights.ts';
import { prepare } from '../../src/api/compile.ts';
import { wasmProducts } from '../../src/api/products.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module } from '../../src/ir/index.ts';
import {
  blocksOf,
  inverseUpperFactor,
  type Matrix,
  matrixOf,
  partOf,
  plainProducts,
  transposed,
} from '../../src/linalg/index.ts';
import type { Recipe, WeightRounding, WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { wave } from '../quant/graphs.ts';
import { calibration, network } from '../scheme/network.ts';

/** XᵀX of `rows` rows of n numbers. */
function gram(n: number, rows: number): Float64Array {
  const x = wave(n * rows, 7);
  return Float64Array.from({ length: n * n }, (_, i) =>
    Array.from(
      { length: rows },
      (_, r) => (x[r * n + Math.floor(i / n)] as number) * (x[r * n + (i % n)] as number),
    ).reduce((a, b) => a + b, 0),
  );
}

describe('the factor of an inverse', () => {
  it('gives A·UᵀU = 1, U upper triangular', () => {
    const n = 12;
    const a = gram(n, 40);
    const u = inverseUpperFactor(a, n) as Float64Array;
    const at = (m: Float64Array, i: number, j: number) => m[i * n + j] as number;
    const sum = (f: (k: number) => number) => Array.from({ length: n }, (_, k) => f(k)).reduce((x, y) => x + y, 0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (j < i) expect(at(u, i, j)).toBe(0);
        const product = sum((k) => at(a, i, k) * sum((l) => at(u, l, k) * at(u, l, j)));
        expect(product).toBeCloseTo(i === j ? 1 : 0, 6);
      }
    }
  });

  it('is none where the matrix is not positive definite', () => {
    expect(inverseUpperFactor(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
    expect(inverseUpperFactor(new Float64Array(4), 2)).toBeUndefined();
  });
});

describe('products', () => {
  const matrix = (rows: number, columns: number, seed: number): Matrix =>
    matrixOf(Float64Array.from(wave(rows * columns, seed)), rows, columns);
  const largest = (x: Float64Array) => x.reduce((most, one) => Math.max(most, Math.abs(one)), 0);

  // sizes below, at and beyond those of tiles; parts and transposed matrices lie in larger ones
  it.each([
    [5, 7, 3],
    [128, 128, 128],
    [130, 140, 260],
    [513, 520, 515],
  ])('of %i × %i by %i: compiled ones are those of f64 to the precision of f32', async (rows, depth, columns) => {
    const compiled = await wasmProducts();
    const a = partOf(transposed(matrix(depth + 2, rows + 3, 1)), [2, rows + 2], [1, depth + 1]);
    const b = partOf(matrix(depth, columns + 4, 2), [0, depth], [3, columns + 3]);
    const [exact, found] = [plainProducts, compiled].map((products) => {
      const target = matrix(rows, columns + 1, 3);
      products.add(partOf(target, [0, rows], [1, columns + 1]), a, b, -2);
      return target.data as Float64Array;
    }) as [Float64Array, Float64Array];
    const difference = exact.map((x, i) => x - (found[i] as number));
    expect(largest(difference)).toBeLessThan(1e-6 * largest(exact));
    expect(largest(exact)).toBeGreaterThan(1);
  });

  it('of one triangle leave nothing of it out', async () => {
    const x = matrix(40, 300, 4);
    const [whole, upper] = await Promise.all(
      (['all', 'upper'] as const).map(async (part) => {
        const target = matrixOf(new Float64Array(300 * 300), 300, 300);
        (await wasmProducts()).add(target, transposed(x), x, 1, part);
        return target.data;
      }),
    );
    for (let i = 0; i < 300; i++) for (let j = i; j < 300; j++) expect(upper?.[i * 300 + j]).toBe(whole?.[i * 300 + j]);
    expect(upper?.[299 * 300]).toBe(0);
  });

  it('XᵀX of many columns, by 16-bit products, moves by a tenth of the smallest damping at most', async () => {
    // more rows than a tile, channels of very different size, one of zeros; compared in the columns of several tiles
    const [n, rows] = [1030, 2100];
    const x = Float32Array.from(wave(n * rows, 9), (v, i) => (i % n === 7 ? 0 : v * 10 ** ((i % n) % 5)));
    const some = Array.from({ length: n }, (_, c) => c).filter((c) => c < 12 || c % 37 === 0 || c > 1020);
    const sums = (await wasmProducts()).gram(n);
    for (const [from, to] of blocksOf(rows, 300)) sums.add(x.subarray(from * n, to * n));
    const found = sums.finish();
    const exact = (i: number, j: number) => {
      let sum = 0;
      for (let at = 0; at < x.length; at += n) sum += (x[at + i] as number) * (x[at + j] as number);
      return sum;
    };
    const deviations = new Map(some.map((c) => [c, Math.sqrt(exact(c, c))]));
    let most = 0;
    for (const i of some) {
      for (const j of some) {
        const error = Math.abs((found[i * n + j] as number) - exact(i, j));
        most = Math.max(most, error / ((deviations.get(i) as number) * (deviations.get(j) as number) || 1));
      }
    }
    expect(most).toBeLessThan(1e-3);
    expect(most).toBeGreaterThan(0);
  });

  it('of blocks make the factor that one block has', async () => {
    const n = 290;
    const h = gram(n, 400).map((x, i) => x + (i % (n + 1) === 0 ? 1 : 0));
    const u = [plainProducts, await wasmProducts()].map((one) => inverseUpperFactor(h, n, one) as Float64Array);
    for (const [factor, bound] of [
      [u[0], 1e-9],
      [u[1], 1e-3],
    ] as const) {
      // U·A·Uᵀ = 1
      const [all, one] = [matrixOf(factor as Float64Array, n, n), matrixOf(new Float64Array(n * n), n, n)];
      const half = matrixOf(new Float64Array(n * n), n, n);
      plainProducts.add(half, all, matrixOf(h, n, n), 1);
      plainProducts.add(one, half, transposed(all), 1);
      const difference = (one.data as Float64Array).map((x, i) => x - (i % (n + 1) === 0 ? 1 : 0));
      expect(largest(difference)).toBeLessThan(bound);
    }
  });
});

const perChannel: WeightScheme = {
  storage: 'i4',
  granularity: 'channel',
  symmetric: true,
  scale: 'f32',
  range: 'absmax',
};
const column = (...data: number[]): HostTensor => ({
  dtype: 'f32',
  shape: [data.length, 1],
  data: Float32Array.from(data),
});

/** Codes and outcome of a column of weights; the first weight, 7, makes the scale 1. */
function rounded(weights: HostTensor, hessian: readonly number[], scheme = perChannel) {
  const outcomes: GptqOutcome[] = [];
  const round = gptqRounding(Float64Array.from(hessian), (one) => outcomes.push(one));
  return {
    codes: Array.from(storeMatrix(weights, scheme, round).codes.data as Int8Array),
    outcome: outcomes[0] as GptqOutcome,
  };
}

describe('gptq', () => {
  // Input 1 is rounded first, 0.4 to 0. The best w for input 2 is then 0.4 + 0.4·H₁₂/H₂₂ ≈ 0.8, by the least squares of the rest.
  it('lets a later input make up for the error of an earlier one', () => {
    const { codes, outcome } = rounded(column(7, 0.4, 0.4), [1, 0, 0, 0, 3, 2, 0, 2, 2]);
    expect(codes).toEqual([7, 0, 1]);
    // δᵀHδ: 0.24 against 1.44
    expect(outcome.ratio).toBeCloseTo(0.24 / 1.44, 5);
    expect(outcome.damping).toBe(0.01);
  });

  it('rounds what calibration never saw to nearest', () => {
    const { codes } = rounded(column(7, 0.4, 0.4, 2.6), [1, 0, 0, 0, 0, 3, 2, 0, 0, 2, 2, 0, 0, 0, 0, 0]);
    expect(codes).toEqual([7, 0, 1, 3]);
  });

  it('damps more where the matrix is not definite, and gives up in the end', () => {
    expect(rounded(column(7, 0.4), [1, 1.05, 1.05, 1]).outcome.damping).toBe(0.1);
    expect(rounded(column(7, 0.4), [1, 9, 9, 1])).toEqual({ codes: [7, 0], outcome: { ratio: 1, damping: undefined } });
  });

  it('keeps rounding to nearest where it gains nothing', () => {
    expect(rounded(column(7, 0.4, 0.4), [1, 0, 0, 0, 3, 0, 0, 0, 2])).toEqual({
      codes: [7, 0, 0],
      outcome: { ratio: 1, damping: 0.01 },
    });
  });

  const schemes: Readonly<Record<string, Partial<WeightScheme>>> = {
    'i4 in groups': {},
    'i4 a channel': { granularity: 'channel' },
    'i3 with zero points': { storage: 'i3', symmetric: false },
    'e2m1 in microscaled blocks': { storage: 'e2m1', scale: 'power-of-two' },
    nf4: { storage: 'nf4' },
  };
  it.each(Object.entries(schemes))(
    'makes the error on the calibration data smaller: %s',
    { timeout: 60_000 },
    async (_, weights) => {
      const errorOf = async (rounding: WeightRounding) => {
        const recipe: Recipe = { scheme: 'w4a16', weights: { ...weights, rounding } };
        const { module } = await prepare(network().module, { scheme: recipe, calibration });
        return calibration.map((sample) => squares(network().module, module, sample)).reduce((a, b) => a + b, 0);
      };
      const nearest = await errorOf('nearest');
      expect(await errorOf('gptq')).toBeLessThan(0.6 * nearest);
      expect(await errorOf('adaround')).toBeLessThan(0.6 * nearest);
    },
  );

  it('asks for calibration data', async () => {
    const scheme: Recipe = { scheme: 'w4a16', weights: { rounding: 'gptq' } };
    await expect(prepare(network().module, { scheme })).rejects.toThrow(/needs calibration data/);
  });
});

describe('adaround', () => {
  const learned = (weights: HostTensor, hessian: readonly number[], scheme = perChannel) => {
    let ratio = Number.NaN;
    const round = adaRounding(Float64Array.from(hessian), (outcome) => {
      ratio = outcome.ratio;
    });
    const { codes, numbers } = storeMatrix(weights, scheme, round);
    return { codes: Array.from(codes.data as Int8Array), numbers, ratio };
  };

  it('rounds one of two weights up whose inputs are alike, where both nearest are below', () => {
    const { codes, ratio } = learned(column(7, 0.4, 0.45), [1, 0, 0, 0, 2, 2, 0, 2, 2]);
    expect(codes).toEqual([7, 0, 1]);
    // (0.15)² against (0.85)²
    expect(ratio).toBeCloseTo((0.15 / 0.85) ** 2, 5);
  });

  it('keeps rounding to nearest where it gains nothing, and where a weight is beyond its grid', () => {
    expect(learned(column(7, 0.4, 0.4), [1, 0, 0, 0, 3, 0, 0, 0, 2])).toMatchObject({ codes: [7, 0, 0], ratio: 1 });
    const saturated: WeightScheme = { ...perChannel, storage: 'e2m1', scale: 'power-of-two' };
    expect(Array.from(learned(column(7, 0, -7), [1, 0, 0, 0, 1, 0, 0, 0, 1], saturated).numbers)).toEqual([6, 0, -6]);
  });

  it.each<Partial<WeightScheme>>([
    { storage: 'i3' },
    { storage: 'i2', symmetric: false },
    { storage: 'e2m1' },
    { storage: 'nf4' },
  ])('takes the number below or above: %j', (changes) => {
    const scheme = { ...perChannel, ...changes };
    const weights = column(...wave(24, 3));
    const grid = new Set<number>();
    const { numbers: nearest } = storeMatrix(weights, scheme, (w, shape, grids, codes) => {
      roundToNearest(w, shape, grids, codes);
      for (let x = -3; x < 3; x += 1 / 64) grid.add(grids.number(0, 0, grids.code(0, 0, x)));
    });
    const { numbers, ratio } = learned(weights, [...gram(24, 30)], scheme);
    expect(ratio).toBeLessThan(1);
    numbers.forEach((x, i) => {
      const w = weights.data[i] as number;
      const between = [...grid].filter((level) => (level - w) * (level - x) < -1e-9);
      expect([between.length, Math.abs(x - w) >= Math.abs((nearest[i] as number) - w) - 1e-12]).toEqual([0, true]);
    });
  });
});

function squares(float: Module, stored: Module, sample: Record<string, HostTensor>): number {
  const [a, b] = [float, stored].map((module) => (interpret(module, sample).y as HostTensor).data as Float32Array) as [
    Float32Array,
    Float32Array,
  ];
  return a.reduce((sum, x, i) => sum + (x - (b[i] as number)) ** 2, 0);
}
