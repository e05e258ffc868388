import { describe, expect, it } from 'vitest';
import { instantiateWasm } from '../../backends/wasm/host.ts';
import { runCSteps } from '../../src/cli/host/c.ts';
import { compile, importOnnx, instantiate } from '../../src/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { floats, modelOf, node } from '../state/model.ts';
import { relativeError, session, type Tensors } from '../state/onnxruntime.ts';

// Sizes that data decide: programs have room for the most, and say how much there is.

const int = (name: string, value: number) => ({ name, type: 'int' as const, value: BigInt(value) });
const ints = (name: string, values: number[]) => ({ name, type: 'ints' as const, value: values.map(BigInt) });
const tensorOf = (shape: number[], values: number[]): HostTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(values),
});
const integers = (values: number[], shape = [values.length]): HostTensor => ({
  dtype: 'i64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});

interface Case {
  readonly name: string;
  readonly model: Uint8Array;
  /** The first gives the largest results. */
  readonly runs: readonly Tensors[];
}

const mask = (values: number[]) => ({ m: tensorOf([3, 4], values), x: floats([3, 4, 5], 3) });

const boxes = floats([1, 12, 4], 5);
const scores = floats([1, 2, 12], 9);
const detection = (limit: number, score: number): Tensors => ({
  boxes,
  scores,
  limit: integers([limit], []),
  score: tensorOf([], [score]),
});

const cases: readonly Case[] = [
  {
    name: 'what a mask selects',
    model: modelOf(
      [
        node('NonZero', ['m'], ['places']),
        node('Transpose', ['places'], ['rows'], [ints('perm', [1, 0])]),
        node('GatherND', ['x', 'rows'], ['picked']),
        node('MatMul', ['picked', 'w'], ['h']),
        node('Relu', ['h'], ['y']),
        node('ReduceSum', ['picked'], ['total'], [int('keepdims', 0)]),
      ],
      [
        ['m', 'f32', [3, 4]],
        ['x', 'f32', [3, 4, 5]],
      ],
      [
        ['places', 'i64', [2, 'n']],
        ['y', 'f32', ['n', 7]],
        ['total', 'f32', []],
      ],
      { w: floats([5, 7], 2) },
    ),
    runs: [
      mask([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
      mask([0, 1, 0, 2, 0, 0, 0, 0, 3, 0, 0, 4]),
      mask(new Array(12).fill(0)),
      mask([5, ...new Array(11).fill(0)]),
    ],
  },
  {
    name: 'boxes that overlap no better one',
    model: modelOf(
      [
        node('NonMaxSuppression', ['boxes', 'scores', 'limit', 'iou', 'score'], ['kept']),
        node('Gather', ['kept', 'last'], ['numbers'], [int('axis', 1)]),
        node('Gather', ['row', 'numbers'], ['y']),
      ],
      [
        ['boxes', 'f32', [1, 12, 4]],
        ['scores', 'f32', [1, 2, 12]],
        ['limit', 'i64', []],
        ['score', 'f32', []],
      ],
      [
        ['kept', 'i64', ['n', 3]],
        ['y', 'f32', ['n', 4]],
      ],
      { iou: tensorOf([1], [0.1]), last: integers([2], []), row: tensorOf([12, 4], [...(boxes.data as Float32Array)]) },
    ),
    runs: [detection(12, -10), detection(2, -10), detection(12, 0.3), detection(0, 0), detection(5, 10)],
  },
  {
    name: 'a slice, a range and the first k',
    model: modelOf(
      [
        node('Slice', ['x', 'from', 'to', 'axes', 'steps'], ['part']),
        node('TopK', ['x', 'k'], ['values', 'indices'], [int('axis', 1)]),
        node('Squeeze', ['k'], ['limit']),
        node('Range', ['zero', 'limit', 'one'], ['numbers']),
        node('Exp', ['part'], ['y']),
        node('OneHot', ['digit', 'limit', 'off'], ['hot']),
      ],
      [
        ['x', 'f32', [6, 8]],
        ['from', 'i64', [2]],
        ['to', 'i64', [2]],
        ['k', 'i64', [1]],
      ],
      [
        ['y', 'f32', ['a', 'b']],
        ['values', 'f32', [6, 'k']],
        ['indices', 'i64', [6, 'k']],
        ['numbers', 'i64', ['r']],
        ['hot', 'f32', [2, 'r']],
      ],
      {
        axes: integers([1, 0]),
        steps: integers([-2, 1]),
        zero: integers([0], []),
        one: integers([1], []),
        digit: integers([1, 3]),
        off: tensorOf([2], [0, 1]),
      },
    ),
    runs: [
      { x: floats([6, 8], 4), from: integers([100, -100]), to: integers([-100, 100]), k: integers([8]) },
      { x: floats([6, 8], 5), from: integers([-2, 1]), to: integers([1, -1]), k: integers([1]) },
      { x: floats([6, 8], 6), from: integers([0, 3]), to: integers([7, 3]), k: integers([5]) },
    ],
  },
  ...[0, 1].map((sorted) => ({
    name: `different rows, ${sorted ? 'sorted' : 'as they come'}`,
    model: modelOf(
      [node('Unique', ['x'], ['y', 'first', 'inverse', 'counts'], [int('axis', 1), int('sorted', sorted)])],
      [['x', 'f32', [2, 9, 2]]],
      [
        ['y', 'f32', [2, 'n', 2]],
        ['first', 'i64', ['n']],
        ['inverse', 'i64', [9]],
        ['counts', 'i64', ['n']],
      ],
      {},
    ),
    runs: [9, 2, 1, 3].map((kinds) => ({
      x: tensorOf(
        [2, 9, 2],
        Array.from({ length: 36 }, (_, i) => ((Math.floor(i / 2) % 9) * 4) % kinds),
      ),
    })),
  })),
];

/** Bounds of what nothing else bounds. */
const dims = { numbers_size: { min: 0, max: 8 }, hot_depth: { min: 0, max: 8 } };
const dimsOf = ({ name }: Case) => (name.startsWith('a slice') ? { dims } : {});

describe('sizes that data decide', () => {
  it.each(cases)('$name: wasm and C agree with onnxruntime', { timeout: 60_000 }, async (one) => {
    const run = await session(one.model);
    const wasm = await instantiate((await compile(importOnnx(one.model), { target: 'wasm', ...dimsOf(one) })).files);
    const c = await compile(importOnnx(one.model), { target: 'c', ...dimsOf(one) });
    invariant(c.manifest.c, 'C has a signature');
    const { inputs: taken, outputs: given } = c.manifest.signature;
    const steps = one.runs.map((inputs) => taken.map(({ name }) => inputs[name] as HostTensor));
    const own = runCSteps({ files: c.files, signature: c.manifest.c }, steps, { selftest: true });
    const { files, manifest } = await compile(importOnnx(one.model), { target: 'c', threads: true, ...dimsOf(one) });
    invariant(manifest.c, 'C has a signature');
    expect(runCSteps({ files, signature: manifest.c }, steps, { threads: 3 }), 'with threads').toEqual(own);
    for (const [step, inputs] of one.runs.entries()) {
      const wanted = await run(inputs);
      const answers = [
        wasm.run(inputs),
        Object.fromEntries(given.map(({ name }, i) => [name, own[step]?.[i] as HostTensor])),
      ];
      for (const answer of answers) {
        for (const [name, tensor] of Object.entries(wanted)) {
          expect(answer[name]?.shape, name).toEqual(tensor.shape);
          expect(relativeError(answer[name] as HostTensor, tensor), name).toBeLessThan(1e-5);
        }
      }
    }
  });

  const range = modelOf(
    [node('Range', ['zero', 'limit', 'one'], ['y'])],
    [['limit', 'i64', []]],
    [['y', 'i64', ['n']]],
    { zero: integers([0], []), one: integers([1], []) },
  );

  it('wants bounds where nothing tells them, and no one size', async () => {
    const refusal = (options: object) => compile(importOnnx(range), { target: 'wasm', ...options });
    await expect(refusal({})).rejects.toThrow(/y_size depends on data[\s\S]*--dim y_size=0\.\.128/);
    await expect(refusal({ dims: { y_size: 5 } })).rejects.toThrow(/data decide the size y_size/);
    await expect(refusal({ target: 'wgsl', dims: { y_size: { min: 0, max: 5 } } })).rejects.toThrow(/depends on data/);
  });

  it('says so when there is more than the program has room for', async () => {
    const { files } = await compile(importOnnx(range), { target: 'wasm', dims: { y_size: { min: 0, max: 5 } } });
    const model = await instantiateWasm(files);
    const into = { y: new BigInt64Array(5) };
    const given = (limit: number) => ({ limit: BigInt64Array.of(BigInt(limit)) });
    expect(model.run(given(3), { into }).y).toEqual(BigInt64Array.of(0n, 1n, 2n));
    expect(model.sizes).toEqual({ y_size: 3 });
    expect(() => model.run(given(6))).toThrow('the run found 6 for y_size; the program has room for 5');
    expect(model.run(given(5), { into }).y).toBe(into.y);
  });
});
