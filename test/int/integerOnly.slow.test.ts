import { describe, expect, it } from 'vitest';
import { add, div, max, min, mul, prelu, sub } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { greater, lessOrEqual } from '../../dialects/nn/compare.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { gru } from '../../dialects/nn/gru.ts';
import { normalize } from '../../dialects/nn/layerNorm.ts';
import { lstm } from '../../dialects/nn/lstm.ts';
import { lstmCell } from '../../dialects/nn/lstmCell.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { avgPool } from '../../dialects/nn/pool.ts';
import { pow } from '../../dialects/nn/power.ts';
import { reduceMean, reduceSum } from '../../dialects/nn/reduce.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { resizeLinear, resizeNearest } from '../../dialects/nn/resize.ts';
import { rnn } from '../../dialects/nn/rnn.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { softmax } from '../../dialects/nn/softmax.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import { cos, gelu, sigmoid, sin, sqrt, tanh } from '../../dialects/nn/unary.ts';
import { where } from '../../dialects/nn/where.ts';
import { copyPrepared, finish, type Prepared, prepare } from '../../src/api/compile.ts';
import { instantiate } from '../../src/api/instantiate.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module, Op, OpDefinition, Resource, Value } from '../../src/ir/index.ts';
import type { Recipe } from '../../src/scheme/index.ts';
import { bytesOfTensor, type HostTensor } from '../../src/support/tensor.ts';
import { GraphBuilder, input, wave } from '../quant/graphs.ts';
import { decibels } from '../quant/signal.ts';
import { floatUse } from './program.ts';

const shape = [1, 4, 8, 8];
const samples = Array.from({ length: 6 }, (_, i) => input(shape, wave(256, 1 + i)));

/** Convolutions with a residual sum, pools of two kinds, and probabilities. */
function classifier(): Module {
  const g = new GraphBuilder(shape);
  const convolution = (x: Value, inputs: number, outputs: number, seed: number, bounds?: readonly number[]) =>
    g.op(
      conv,
      [
        x,
        g.constant([outputs, inputs, 3, 3], wave(outputs * inputs * 9, seed)),
        g.constant([outputs], wave(outputs, seed + 1)),
      ],
      { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1, ...(bounds ? { clamp: bounds } : {}) },
    );
  const first = convolution(g.x, 4, 8, 21, [0, 6]);
  const second = convolution(first, 8, 8, 23);
  const joined = g.op(concat, [g.op(add, [first, second]), g.op(gelu, [second])], { axis: 1 });
  const pooled = g.op(avgPool, [joined], { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] });
  const mean = g.op(reduceMean, [pooled], { axes: [2, 3], keepdims: false });
  const scores = g.op(matmul, [mean, g.constant([16, 5], wave(80, 29))]);
  return g.finish(g.op(softmax, [scores], { axis: 1 }));
}

/** What stays float in w8a8: norms, functions, sums, products and quotients before the first and after the last layer. */
function islands(): Module {
  const g = new GraphBuilder(shape);
  const rows = g.op(reshape, [g.x], { shape: [16, 16] });
  const scaled = g.op(mul, [g.op(add, [rows, g.constant([16], wave(16, 3))]), g.constant([], [0.75])]);
  const normal = g.op(normalize, [scaled], { axis: 1, epsilon: 1e-5 });
  const hidden = g.op(matmul, [g.op(mul, [normal, g.constant([16], wave(16, 5))]), g.constant([16, 24], wave(384, 7))]);
  const squares = g.op(mul, [hidden, hidden]);
  const roots = g.op(sqrt, [squares]);
  const gated = g.op(mul, [g.op(sigmoid, [hidden]), g.op(tanh, [g.op(sub, [hidden, roots])])]);
  const rms = g.op(normalize, [g.op(div, [gated, g.constant([], [3])])], { axis: 1, epsilon: 1e-4, center: false });
  return g.finish(g.op(softmax, [g.op(clamp, [rms], { min: -2, max: 1.5 })], { axis: 0 }));
}

/** Magnitudes of pairs, and a step of a recurrent cell. */
function recurrence(): Module {
  const g = new GraphBuilder(shape);
  const rows = g.op(reshape, [g.x], { shape: [4, 64] });
  const pairs = g.op(matmul, [rows, g.constant([64, 96], wave(6144, 41))]);
  const half = (start: number) => g.op(slice, [pairs], { starts: [0, start], steps: [1, 1], sizes: [4, 48] });
  const [re, im] = [half(0), half(48)];
  const size = g.op(sqrt, [g.op(add, [g.op(mul, [re, re]), g.op(mul, [im, im])])]);
  const gates = g.op(matmul, [
    size,
    g.constant(
      [48, 64],
      wave(3072, 43).map((v) => v / 32),
    ),
  ]);
  const before = g.op(slice, [rows], { starts: [0, 0], steps: [1, 1], sizes: [4, 16] });
  return g.finish(g.op(lstmCell, [gates, before]));
}

/** Choices between values of different scales, resizes, angles and sums. */
function choices(): Module {
  const g = new GraphBuilder(shape);
  const weights = g.constant([6, 4, 1, 1], wave(24, 51));
  const plain = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
  const first = g.op(conv, [g.x, weights, undefined], plain);
  const large = g.op(resizeNearest, [first], { sizes: [1, 6, 16, 16], coordinates: 'asymmetric' });
  const smooth = g.op(resizeLinear, [g.op(mul, [first, first])], { sizes: [1, 6, 16, 16] });
  const slope = g.constant([6, 1, 1], wave(6, 53));
  const bent = g.op(prelu, [large, slope]);
  const limit = g.constant([], [0.3]);
  const chosen = g.op(where, [g.op(greater, [large, smooth]), bent, g.op(max, [smooth, limit])]);
  const least = g.op(where, [g.op(lessOrEqual, [chosen, limit]), g.op(min, [chosen, bent]), chosen]);
  const sums = g.op(reduceSum, [least], { axes: [1], keepdims: true });
  const angles = g.op(mul, [sums, g.constant([4, 1, 1], [0.5, 1, 2, 3])]);
  const waves = g.op(concat, [g.op(sin, [angles]), g.op(cos, [angles])], { axis: 1 });
  return g.finish(g.op(reduceMean, [waves], { axes: [3], keepdims: false }));
}

/** Sequences through recurrent layers of each kind, there and back. */
function sequences(): Module {
  const g = new GraphBuilder(shape);
  const rows = g.op(reshape, [g.x], { shape: [16, 1, 16] });
  const steps = g.op(slice, [rows], { starts: [0, 0, 0], steps: [1, 1, 1], sizes: [3, 1, 16] });
  const layer = (op: OpDefinition, x: Value, gates: number, functions: string[], inputs: number, seed: number) => {
    const hidden = 4;
    const weights = (depth: number, at: number) =>
      g.constant(
        [2, gates * hidden, depth],
        wave(2 * gates * hidden * depth, seed + at).map((v) => v / 2),
      );
    const operands = [
      x,
      weights(inputs, 0),
      weights(hidden, 1),
      g.constant([2, 2 * gates * hidden], wave(4 * gates * hidden, seed + 2)),
    ];
    const none = new Array<number>(2 * functions.length).fill(0);
    const attributes = {
      direction: 'bidirectional',
      activations: [...functions, ...functions],
      alphas: none,
      betas: none,
    };
    return g.op(reshape, [g.op(transpose, [g.op(op, operands, attributes)], { perm: [0, 2, 1, 3] })], {
      shape: [3, 1, 8],
    });
  };
  const first = layer(gru, steps, 3, ['Sigmoid', 'Tanh'], 16, 61);
  const second = layer(lstm, first, 4, ['Sigmoid', 'Tanh', 'Tanh'], 8, 65);
  return g.finish(layer(rnn, second, 1, ['Tanh'], 8, 69));
}

/** Two layers of several groups, the last of them shorter, behind a norm; and one of a single group. */
function grouped(): Module {
  const g = new GraphBuilder(shape);
  const rows = g.op(normalize, [g.op(reshape, [g.x], { shape: [4, 64] })], { axis: 1, epsilon: 1e-5 });
  const operands = [rows, g.constant([64, 41], wave(64 * 41, 71)), g.constant([41], wave(41, 73))];
  const hidden = g.op(matmul, operands, { clamp: [0, Number.POSITIVE_INFINITY] });
  const narrow = g.op(matmul, [hidden, g.constant([41, 20], wave(41 * 20, 75))]);
  return g.finish(g.op(matmul, [narrow, g.constant([20, 9], wave(180, 79))]));
}

const models = { classifier, islands, recurrence, choices, sequences, grouped };

/** Weights of the grouped model are 4-bit codes in groups whose scales are whole numbers. */
const schemeOf = (model: () => Module): Recipe => ({
  scheme: 'int8',
  ...(model === grouped ? { weights: { storage: 'i4', granularity: 'group', group: 24, scale: 'integer' } } : {}),
});

const known = new Map<string, Promise<Prepared>>();

/** The model under int8, prepared once for each border. */
async function prepared(model: () => Module, border: 'float' | 'int' = 'float'): Promise<Prepared> {
  const key = `${model.name} ${border}`;
  const made =
    known.get(key) ?? prepare(model(), { scheme: schemeOf(model), border, calibration: samples.map((x) => ({ x })) });
  known.set(key, made);
  return copyPrepared(await made);
}

describe.each(Object.entries(models))('int8, %s', (_, model) => {
  it('comes near the float model', async () => {
    const { module } = await prepared(model);
    const float = model();
    const ratio = decibels(
      samples.map((x) => [interpret(float, { x }).y, interpret(module, { x }).y] as [HostTensor, HostTensor]),
    );
    expect(ratio).toBeGreaterThan(model === grouped ? 18 : 25);
  });

  it('has float opcodes in the functions of its border alone', async () => {
    const { files, manifest } = await finish(await prepared(model), { target: 'wasm' });
    const use = floatUse(files.get('model.wasm') as Uint8Array<ArrayBuffer>);
    expect(use.inside).toEqual([]);
    expect(use.atBorder.length).toBeGreaterThan(0);
    expect(use.border).toEqual(['quantize_input_x', 'dequantize_output_y']);
    expect(manifest.floatOps.functions).toEqual(use.border);
    expect(manifest.stayedFloat).toEqual([]);
  });

  it('has none at all where inputs and outputs are codes, in C too', async () => {
    const whole = await prepared(model, 'int');
    const copy = copyPrepared(whole);
    const { files, manifest } = await finish(whole, { target: 'wasm' });
    const use = floatUse(files.get('model.wasm') as Uint8Array<ArrayBuffer>);
    expect([...use.inside, ...use.atBorder, ...use.border]).toEqual([]);
    expect(manifest.floatOps).toEqual({ count: 0, functions: [] });
    for (const { dtype, quantization } of [...manifest.signature.inputs, ...manifest.signature.outputs]) {
      expect(dtype).toMatch(/^i(8|16)$/);
      expect(quantization?.scale).toBeGreaterThan(0);
    }
    const c = await finish(copy, { target: 'c' });
    const text = [...c.files].flatMap(([name, bytes]) =>
      /\.[ch]$/.test(name) ? [new TextDecoder().decode(bytes)] : [],
    );
    expect(text.join('\n').match(/\b(float|double|sqrtf?|math\.h)\b/g)).toBe(null);
  });

  it.each(['baseline', 'auto'] as const)('gives the codes of the interpreter, %s', async (simd) => {
    const whole = await prepared(model, 'int');
    const { module } = copyPrepared(whole);
    const { files, manifest } = await finish(whole, { target: 'wasm' });
    const program = await instantiate(files, { simd });
    const [{ dtype = 'i8', shape: wanted = [] } = {}] = manifest.signature.inputs;
    const count = wanted.reduce<number>((n, d) => n * Number(d), 1);
    const top = dtype === 'i8' ? 127 : 32767;
    const codes = wave(count, 77).map((v) => Math.round(v * top));
    const data = dtype === 'i8' ? Int8Array.from(codes) : Int16Array.from(codes);
    const x: HostTensor = { dtype, shape: wanted.map(Number), data };
    expect(bytesOfTensor(program.run({ x }).y as HostTensor)).toEqual(
      bytesOfTensor(interpret(module, { x }).y as HostTensor),
    );
  });
});

describe('weights in groups under int8', () => {
  it('are stored as they are, and multiplied in integers', async () => {
    const { module, explanations } = await prepared(grouped);
    const products = [...module.ops()].filter(({ name }) => name === 'int.step_matmul');
    expect(products).toHaveLength(2);
    for (const op of products) {
      const codes = (op.operand(2).op as Op).attributes.value as Resource;
      expect(Math.max(...Array.from(codes.data() as Int8Array, Math.abs))).toBe(7);
    }
    expect(explanations.map(({ weights }) => weights)).toEqual([
      'i4, an integer scale a group of 24',
      'i4, an integer scale a group of 24',
      'i4, a scale a channel',
    ]);
  });
});

describe('int8', () => {
  it('names a layer that has no integer form', async () => {
    const g = new GraphBuilder([2, 3]);
    const hidden = g.op(matmul, [g.x, g.constant([3, 4], wave(12))]);
    const module = g.finish(g.op(pow, [g.op(sigmoid, [hidden]), hidden]));
    const calibration = [{ x: input([2, 3], wave(6)) }];
    await expect(prepare(module, { scheme: 'int8', calibration })).rejects.toThrow(
      /there is no integer form of nn.pow/,
    );
  });

  it('keeps no layer in float', async () => {
    const options = { scheme: 'int8', calibration: samples.map((x) => ({ x })), keepFloat: ['layer 1'] } as const;
    await expect(prepare(classifier(), options)).rejects.toThrow(/keeps no layer in float/);
  });

  it('keeps no state as codes', async () => {
    const g = new GraphBuilder([2, 3]);
    const module = g.finish(g.op(matmul, [g.x, g.constant([3, 3], wave(9))]));
    const calibration = [{ x: input([2, 3], wave(6)) }];
    await expect(prepare(module, { scheme: 'int8', border: 'int', state: { y: 'x' }, calibration })).rejects.toThrow(
      /the program keeps a state/,
    );
  });

  it('alone has inputs and outputs of codes', async () => {
    const options = { scheme: 'w8a8', calibration: samples.map((x) => ({ x })), border: 'int' } as const;
    await expect(prepare(classifier(), options)).rejects.toThrow(/inputs and outputs cannot be integers/);
  });
});
