import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { concat } from '../../dialects/nn/concat.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { lstmCell } from '../../dialects/nn/lstmCell.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { relayout } from '../../dialects/nn/relayout.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import { rotary } from '../../dialects/nn/rotary.ts';
import { silu } from '../../dialects/nn/unary.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { scast } from '../../dialects/quant/scast.ts';
import { interpret } from '../../src/interpret/index.ts';
import {
  affine,
  Func,
  type Granularity,
  Module,
  type QuantType,
  quantParams,
  quantType,
  Resource,
  Rewriter,
  type ScalarType,
  tensor,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { exportOnnx } from '../../src/onnx/index.ts';
import { decodeModel } from '../../src/onnx/proto/index.ts';
import { type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';

/** Whole numbers in −range…range, the same in every run. */
function numbers(count: number, range: number): number[] {
  let state = 7;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state % (2 * range + 1)) - range;
  });
}

/** Builds a module of one input [2, 8]. */
class Builder {
  readonly module = new Module();
  readonly rewriter = new Rewriter();
  readonly x: Value;

  constructor(shape = [2, 8]) {
    const main = this.module.addFunction(new Func('main'));
    this.x = main.body.addArgument(tensor(shape, 'f32'), 'x');
    this.rewriter.atEnd(main.body);
  }

  constant(name: string, shape: number[], storage: ScalarType, values: number[], element?: QuantType): Value {
    const dtype = storage as 'i8';
    const data = new (typedArrayOf(dtype))(values.length) as Int8Array;
    data.set(values);
    const types = [tensor(shape, element ?? storage)];
    return this.rewriter.create(constant, {}, { value: Resource.of(name, dtype, data) }, { types }).result;
  }

  codes(x: Value, element: QuantType): Value {
    return this.rewriter.create(qcast, { x }, {}, { types: [withElement(x.type as never, element)], source: 'in' })
      .result;
  }

  real(x: Value): Value {
    const types = [withElement(x.type as never, 'f32')];
    return this.rewriter.create(dcast, { x }, {}, { types, source: 'out' }).result;
  }

  finish(y: Value): Module {
    this.rewriter.create(returnOp, { values: [y] });
    this.module.main.resultNames = ['y'];
    this.module.main.resultTypes = [y.type];
    return this.module;
  }
}

const input = (shape = [2, 8]): HostTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(
    numbers(
      shape.reduce((a, b) => a * b),
      300,
    ),
    (v) => v / 100,
  ),
});

/** The largest difference between the interpreter's answer and onnxruntime's, without and with its optimizations. */
async function difference(module: Module, x: HostTensor): Promise<number> {
  const bytes = exportOnnx(module);
  const mine = interpret(module, { x }).y as HostTensor;
  let worst = 0;
  for (const graphOptimizationLevel of ['disabled', 'all'] as const) {
    const session = await InferenceSession.create(bytes, { graphOptimizationLevel, logSeverityLevel: 4 });
    const answer = await session.run({ x: new Tensor('float32', x.data as Float32Array, x.shape) });
    const { data, dims } = answer.y as Tensor;
    expect(dims).toEqual(mine.shape);
    (data as Float32Array).forEach((v, i) => {
      worst = Math.max(worst, Math.abs(v - Number(mine.data[i])));
    });
  }
  return worst;
}

const weights = (storage: ScalarType, granularity: Granularity, scale: number[], zeroPoint?: number[]): QuantType =>
  quantType({ storage, granularity, params: quantParams({ scale, ...(zeroPoint ? { zeroPoint } : {}) }) });

/** Scales from 0.01 to 0.02, all different. */
const scales = (count: number) => Array.from({ length: count }, (_, i) => 0.01 * (1 + i / count));

interface WeightCase {
  readonly name: string;
  readonly type: QuantType;
  readonly range: number;
  readonly input: QuantType;
}

const i8 = affine('i8', 0.03, -4);
const cases: readonly WeightCase[] = [
  { name: 'int8 a tensor', type: weights('i8', { kind: 'tensor' }, [0.015]), range: 127, input: i8 },
  { name: 'int8 a column', type: weights('i8', { kind: 'axis', axis: 1 }, scales(6)), range: 127, input: i8 },
  {
    name: 'uint8 activations',
    type: weights('i8', { kind: 'tensor' }, [0.015]),
    range: 127,
    input: affine('u8', 0.03, 130),
  },
  {
    name: 'int16 activations',
    type: weights('i8', { kind: 'axis', axis: 1 }, scales(6)),
    range: 127,
    input: affine('i16', 1e-4),
  },
  { name: 'int4 in blocks', type: weights('i4', { kind: 'block', axis: 0, size: 4 }, scales(12)), range: 7, input: i8 },
  {
    name: 'uint4 in blocks with zero points',
    type: weights('u4', { kind: 'block', axis: 0, size: 4 }, scales(12), new Array(12).fill(7)),
    range: 7,
    input: i8,
  },
];

describe('exported quantization in onnxruntime', () => {
  it.each(cases)('$name: the same answer', async ({ type, range, input: element }) => {
    const build = new Builder();
    const shift = type.storage === 'u4' ? 7 : 0;
    const b = build.constant(
      'weights',
      [8, 6],
      type.storage,
      numbers(48, range).map((v) => v + shift),
      type,
    );
    const bias = build.constant('bias', [6], 'f32', numbers(6, 100));
    const y = build.rewriter.create(matmul, { a: build.codes(build.x, element), b, bias }, {}, { source: 'layer' });
    // The bias is rounded to a step of the sums, whose scale is at most 0.03 · 0.02: half of it may be missing.
    expect(await difference(build.finish(y.result), input())).toBeLessThan(0.5 * 0.03 * 0.02 + 1e-5);
  });

  it('writes the bias of an integer layer in steps of its sums, and activations between layers as codes', async () => {
    const build = new Builder([1, 2, 5, 5]);
    const w = build.constant(
      'w',
      [3, 2, 3, 3],
      'i8',
      numbers(54, 127),
      weights('i8', { kind: 'axis', axis: 0 }, scales(3)),
    );
    const bias = build.constant('b', [3], 'f32', [1, -2, 0.5]);
    const window = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1, clamp: [0, 6] };
    const x = build.codes(build.x, i8);
    const types = [tensor([1, 3, 5, 5], affine('i8', 0.05, -128))];
    const y = build.rewriter.create(conv, { x, w, bias }, window, { types, source: 'layer' }).result;
    const z = build.rewriter.create(silu, { x: y }, {}, { types: [tensor([1, 3, 5, 5], affine('i8', 0.05, -100))] });
    const module = build.finish(build.real(z.result));
    expect(await difference(module, input([1, 2, 5, 5]))).toBeLessThan(1e-6);
    const { graph } = decodeModel(exportOnnx(module));
    const stored = (name: string) => graph.initializers.find((one) => one.name === name);
    expect(stored('layer_bias')?.dataType).toBe(6);
    const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
    expect(graph.initializers.map(({ name }) => name).filter((name) => !read.has(name))).toEqual([]);
    const operators = graph.nodes.map(({ opType }) => opType);
    expect(operators.filter((name) => name === 'QuantizeLinear')).toHaveLength(3);
    expect(operators).toEqual(expect.arrayContaining(['Conv', 'Clip', 'Sigmoid', 'Mul']));
    expect(graph.nodes.find(({ opType }) => opType === 'Conv')?.name).toBe('layer');
  });

  it.each(['f8e4m3fn', 'f8e5m2'] as const)('writes %s codes', async (storage) => {
    const build = new Builder();
    const codes = storage === 'f8e4m3fn' ? [0x38, 0xb8, 0x40, 0x08] : [0x3c, 0xbc, 0x40, 0x04];
    const reals = storage === 'f8e4m3fn' ? [1, -1, 2, 2 ** -6] : [1, -1, 2, 2 ** -14];
    const element = weights(storage, { kind: 'tensor' }, [0.5]);
    const b = build.constant('b', [8, 1], storage, [...codes, ...codes], element);
    const y = build.rewriter.create(matmul, { a: build.x, b }, {}, { source: 'layer' }).result;
    const bytes = exportOnnx(build.finish(y));
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
    const x = input();
    const { data } = (await session.run({ x: new Tensor('float32', x.data as Float32Array, x.shape) })).y as Tensor;
    const expected = [0, 1].map((row) =>
      [...reals, ...reals].reduce((sum, v, k) => sum + 0.5 * v * Number(x.data[row * 8 + k]), 0),
    );
    (data as Float32Array).forEach((v, i) => void expect(v).toBeCloseTo(expected[i] as number, 5));
  });

  it('gives codes as outputs, inputs as outputs, and one value as two outputs', async () => {
    const build = new Builder();
    const codes = build.codes(build.x, i8);
    const plain = build.rewriter.create(scast, { x: codes }, {}, { types: [tensor([2, 8], 'i8')] }).result;
    const real = build.real(codes);
    build.rewriter.create(returnOp, { values: [plain, real, real, build.x] });
    build.module.main.resultNames = ['codes', 'a', 'b', 'same'];
    build.module.main.resultTypes = [plain, real, real, build.x].map((value) => value.type);
    const session = await InferenceSession.create(exportOnnx(build.module), { logSeverityLevel: 4 });
    const x = input();
    const answer = await session.run({ x: new Tensor('float32', x.data as Float32Array, x.shape) });
    const mine = interpret(build.module, { x });
    for (const name of build.module.main.resultNames) {
      expect(Array.from(answer[name]?.data as Float32Array), name).toEqual(
        Array.from(mine[name]?.data as Float32Array),
      );
    }
  });
});

describe('operations without an ONNX operator of their own, written as several', () => {
  it.each([
    { interleaved: false, width: 8 },
    { interleaved: false, width: 4 },
    { interleaved: true, width: 8 },
    { interleaved: true, width: 4 },
  ])('nn.rotary, interleaved $interleaved, angles of width $width', async ({ interleaved, width }) => {
    const build = new Builder([3, 2, 8]);
    const angles = numbers(2 * width, 300).map((v) => v / 100);
    const table = (name: string, f: (x: number) => number) => build.constant(name, [2, width], 'f32', angles.map(f));
    const operands = { x: build.x, cos: table('cos', Math.cos), sin: table('sin', Math.sin) };
    const y = build.rewriter.create(rotary, operands, { interleaved }, { source: 'layer' }).result;
    expect(await difference(build.finish(y), input([3, 2, 8]))).toBeLessThan(1e-5);
  });

  it('nn.lstm_cell', async () => {
    const build = new Builder();
    const c = build.constant('c', [2, 2], 'f32', [0.5, -1, 2, -0.25]);
    const [h, after] = build.rewriter.create(lstmCell, { gates: build.x, c }, {}, { source: 'layer' }).results;
    const y = build.rewriter.create(concat, { xs: [h as Value, after as Value] }, { axis: 1 }, { source: 'both' });
    expect(await difference(build.finish(y.result), input())).toBeLessThan(1e-5);
  });
});

describe('what cannot be exported', () => {
  it('names the layer and the operation without an ONNX operator', () => {
    const build = new Builder();
    const types = [tensor([2, 8], 'f32')];
    const y = build.rewriter.create(relayout, { x: build.x }, {}, { types, source: 'the layer' }).result;
    expect(() => exportOnnx(build.finish(y))).toThrow(/nn.relayout cannot be written as ONNX[\s\S]*the layer/);
  });

  it('refuses codebooks', () => {
    const build = new Builder();
    const params = quantParams({ scale: [1], levels: [-1, 0, 1, 2] });
    const element = quantType({ storage: 'u2', scheme: 'codebook', params });
    const b = build.constant(
      'b',
      [8, 1],
      'u2',
      numbers(8, 1).map((v) => v + 1),
      element,
    );
    const y = build.rewriter.create(matmul, { a: build.x, b }, {}, { source: 'layer' }).result;
    expect(() => exportOnnx(build.finish(y))).toThrow(/no codebooks/);
  });

  it('refuses more than 2 GB of constants before it reads them all', () => {
    const build = new Builder();
    const half = new Float32Array(2 ** 28);
    const parts = ['a', 'b'].map((name) => {
      const types = [tensor([2 ** 28], 'f32')];
      return build.rewriter.create(constant, {}, { value: Resource.of(name, 'f32', half) }, { types }).result;
    });
    build.rewriter.create(returnOp, { values: parts });
    build.module.main.resultNames = ['y', 'z'];
    build.module.main.resultTypes = parts.map((value) => value.type);
    expect(() => exportOnnx(build.module)).toThrow(/more than 2 GB/);
  });
});
