import { groupMatmul } from '../../dialects/int/groupMatmul.ts';
import * as nn from '../../dialects/nn/index.ts';
import { dynamicQcast } from '../../dialects/quant/dynamicQcast.ts';
import { fitsSums } from '../../kernels/index.ts';
import { createConstant, createFloats } from '../../passes/constants.ts';
import { DynamicProducts } from '../../passes/quantize/dynamicProduct.ts';
import { storeWeights } from '../../passes/quantize/mixedWidths.ts';
import type { StoredMatrix } from '../../passes/quantize/storedWeights.ts';
import {
  type ElementType,
  Func,
  Module,
  quantParams,
  quantType,
  Rewriter,
  type StoredWeights,
  storedWeights,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import {
  chooseDynamicParams,
  chooseDynamicSymmetric,
  decodeF16,
  encodeF16,
  planeWidths,
  quantizeF32,
} from '../../src/numerics/index.ts';
import { type WeightScheme, type WeightStorage, weightStorages } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { generator } from '../../src/text/index.ts';

/** A way of storing weights: every number format in the groups that it is used with. */
export interface FormatCase {
  readonly name: string;
  readonly scheme: WeightScheme;
  /** Default: 21. */
  readonly outputs?: number;
}

const stored = (storage: WeightStorage, changes: Partial<WeightScheme> = {}): WeightScheme => ({
  ...{ storage, granularity: 'group', group: 32, symmetric: true, scale: 'f32', range: 'absmax' },
  ...changes,
});
const microscaled = (storage: WeightStorage) => stored(storage, { scale: 'power-of-two' });
const nvidia = (storage: WeightStorage) => stored(storage, { group: 16, scale: 'e4m3' });
const shared = (storage: WeightStorage) => stored(storage, { group: 16, scale: 'shared-exponent' });

export const formatCases: readonly FormatCase[] = [
  ...weightStorages.map((storage) => ({ name: storage, scheme: stored(storage) })),
  ...([2, 3, 4, 5, 6, 7, 8] as const).map((bits) => ({
    name: `i${bits} with zero points`,
    scheme: stored(`i${bits}`, { symmetric: false, group: 16 }),
  })),
  ...(['e2m1', 'e2m3', 'e3m2', 'e4m3', 'e5m2', 'i8'] as const).map((storage) => ({
    name: `mx ${storage}`,
    scheme: microscaled(storage),
  })),
  ...(['e2m1', 'i4'] as const).map((storage) => ({ name: `nv ${storage}`, scheme: nvidia(storage) })),
  ...(['i4', 'i8'] as const).map((storage) => ({ name: `shared exponent ${storage}`, scheme: shared(storage) })),
  ...[
    { what: '', changes: {} },
    { what: ' with integer scales', changes: { scale: 'integer' } as const },
    { what: ' with zero points', changes: { symmetric: false, group: 16 } },
  ].map(({ what, changes }) => ({
    name: `i2, i4 and i8 by outputs${what}`,
    scheme: stored('i4', { ...changes, mixed: [2, 4, 8] }),
    outputs: 85,
  })),
  { name: 'i3 and i5 by outputs', scheme: stored('i4', { mixed: [3, 5] }), outputs: 85 },
  ...(['i2', 'i4', 'i8', 'e2m1'] as const).map((storage) => ({
    name: `${storage} with integer scales`,
    scheme: stored(storage, { scale: 'integer' }),
  })),
  { name: 'nf4 in groups of 64', scheme: stored('nf4', { group: 64 }) },
];

/** Rows that share what is unpacked. */
const rowsOfMany = 9;

/** Neither fills its tiles: of groups, of vectors, of rows. */
const inputs = 83;

/** How much larger some outputs are than others, 16 by 16: they want more bits. */
const magnitudes = [1, 1, 12, 0.05, 1];

/** Numbers of all magnitudes, and a group of zeros. */
export function formatWeights({ outputs = 21 }: Partial<FormatCase> = {}): HostTensor {
  const next = generator(5);
  const data = Float32Array.from({ length: inputs * outputs }, (_, i) => {
    const isZero = i % outputs === 3 && i < 32 * outputs;
    const magnitude = magnitudes[Math.floor((i % outputs) / 16) % magnitudes.length] as number;
    return isZero ? 0 : (next() + next() + next() - 1.5) * 2 ** Math.floor(next() * 4) * magnitude;
  });
  return { dtype: 'f32', shape: [inputs, outputs], data };
}

/** A program of all kernels on weights of one format, and what it must give. */
export interface FormatProgram {
  readonly module: Module;
  readonly inputs: readonly HostTensor[];
  /** Within 1e-5 of the largest. */
  readonly expected: readonly HostTensor[];
  /** How many of the last of them must be equal. */
  readonly exact: number;
}

const floats = (shape: readonly number[], data: Iterable<number>): HostTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(data),
});

function activations(rows: number, seed: number): HostTensor {
  const next = generator(seed);
  return floats(
    [rows, inputs],
    Array.from({ length: rows * inputs }, () => next() * 3 - 1),
  );
}

/**
 * Matrix–vector and matrix–matrix products with float activations, with halves, with activations of 8 bits about a zero
 * point and without; and the integer sums alone, where the format has them.
 */
export function formatProgram(format: FormatCase): FormatProgram {
  const matrix = storeWeights(formatWeights(format), format.scheme);
  const outputs = matrix.codes.shape[1] as number;
  const { codes, type } = matrix;
  const module = new Module();
  const { body } = module.addFunction(new Func('main'));
  const rewriter = new Rewriter().atEnd(body);
  const [one, nine, halves] = [activations(1, 1), activations(rowsOfMany, 2), activations(2, 3)];
  const bits = Uint16Array.from(halves.data as Float32Array, encodeF16);
  const given: HostTensor[] = [one, nine, { dtype: 'f16', shape: halves.shape, data: bits }];
  const [x, xs, h] = given.map(({ dtype, shape }, i) =>
    body.addArgument(tensor(shape, dtype as ElementType), `x${i}`),
  ) as [Value, Value, Value];
  const w = createConstant(rewriter, 'w', codes, type);
  const offsets = Float32Array.from({ length: outputs }, (_, i) => i / 4 - 2);
  const bias = createFloats(rewriter, 'b', [outputs], offsets);
  const product = (from: Value, more = {}) =>
    rewriter.create(nn.matmul, { a: from, b: w, ...more }, {}, { source: 'product' }).result;
  const wide = rewriter.create(nn.cast, { x: h }, { to: 'f32' }).result;
  const results = [product(x), product(xs, { bias }), product(wide), product(x), product(xs, { bias })];
  const sums = integerSums(rewriter, xs, matrix);
  rewriter.create(nn.returnOp, { values: [...results, ...sums] });
  const dynamic = new DynamicProducts(rewriter);
  for (const [i, symmetric] of [false, true].entries()) {
    const { op } = (body.last?.operand(3 + i) as Value) ?? {};
    if (op) dynamic.replace(op, symmetric);
  }
  const values = body.last?.operands as Value[];
  module.main.resultNames = values.map((_, i) => `y${i}`);
  module.main.resultTypes = values.map((value) => value.type);
  const rounded = floats(halves.shape, Array.from(bits, decodeF16));
  return {
    module,
    inputs: given,
    expected: [
      productOf(one, matrix.numbers),
      productOf(nine, matrix.numbers, offsets),
      productOf(rounded, matrix.numbers),
      productOf(codesOf(one, false).numbers, matrix.numbers),
      productOf(codesOf(nine, true).numbers, matrix.numbers, offsets),
      ...(sums.length > 0 ? [sumsOf(codesOf(nine, true).codes, matrix)] : []),
    ],
    exact: sums.length,
  };
}

/** The sums of codes in a program: products whose scales are all 1. */
function integerSums(rewriter: Rewriter, x: Value, { codes, type }: StoredMatrix): Value[] {
  const outputs = codes.shape[1] as number;
  const spec = storedWeights(type, inputs, outputs) as StoredWeights;
  if (spec.levels && !fitsSums(spec)) return [];
  const { scale, ...others } = type.params as NonNullable<typeof type.params>;
  const params = quantParams({ ...others, scale: scale.map(() => 1) });
  const w = createConstant(rewriter, 'ones', codes, quantType({ ...type, params }));
  const { widths = [spec.bits] } = spec;
  const narrow = Math.max(...widths.map((bits) => (bits === 8 ? 8 : 32 / Math.min(...planeWidths(bits)))));
  const { results } = rewriter.create(dynamicQcast, { x }, { group: spec.group, align: narrow, symmetric: true });
  const [a, , zero_point, sums] = results as [Value, Value, Value, Value];
  const ones = createFloats(rewriter, 'one', [rowsOfMany, 1], new Float32Array(rowsOfMany).fill(1));
  return [rewriter.create(groupMatmul, { a, scale: ones, zero_point, sums, w }, {}, { source: 'sums' }).result];
}

/** Rows of activations as codes of 8 bits, and the numbers that these stand for, by the numeric contract. */
function codesOf({ data, shape }: HostTensor, symmetric: boolean): { codes: number[][]; numbers: HostTensor } {
  const rows = Array.from({ length: shape[0] as number }, (_, r) => {
    const row = (data as Float32Array).subarray(r * inputs, (r + 1) * inputs);
    const [low, high] = [Math.min(0, ...row), Math.max(0, ...row)];
    const { scale, zeroPoint } = symmetric ? chooseDynamicSymmetric(low, high) : chooseDynamicParams(low, high);
    const codes = Array.from(row, (v) => quantizeF32(v, scale, zeroPoint, -128, 127) - zeroPoint);
    return { codes, numbers: codes.map((code) => code * scale) };
  });
  return {
    codes: rows.map(({ codes }) => codes),
    numbers: floats(
      shape,
      rows.flatMap(({ numbers }) => numbers),
    ),
  };
}

/** In f64, on the numbers that weights stand for. */
function productOf({ data, shape }: HostTensor, weights: Float64Array, bias?: Float32Array): HostTensor {
  const rows = shape[0] as number;
  const outputs = weights.length / inputs;
  return floats(
    [rows, outputs],
    Array.from({ length: rows * outputs }, (_, at) => {
      const [row, n] = [Math.floor(at / outputs), at % outputs];
      let sum = bias?.[n] ?? 0;
      for (let k = 0; k < inputs; k++) sum += Number(data[row * inputs + k]) * (weights[k * outputs + n] as number);
      return sum;
    }),
  );
}

/** Exact sums of each group, which become one f32 after the other. */
function sumsOf(rows: readonly (readonly number[])[], { type, numbers }: StoredMatrix): HostTensor {
  const outputs = numbers.length / inputs;
  const { group, groups, scale } = storedWeights(type, inputs, outputs) as StoredWeights;
  const data = rows.flatMap((row) =>
    Array.from({ length: outputs }, (_, n) => {
      let total = 0;
      for (let g = 0; g < groups; g++) {
        let sum = 0;
        for (let k = g * group; k < Math.min((g + 1) * group, inputs); k++) {
          sum += (row[k] as number) * ((numbers[k * outputs + n] as number) / scale(g, n));
        }
        total = Math.fround(total + Math.fround(sum));
      }
      return total;
    }),
  );
  return floats([rows.length, outputs], data);
}
