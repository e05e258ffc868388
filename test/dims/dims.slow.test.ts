import { describe, expect, it } from 'vitest';
import { instantiateWasm } from '../../backends/wasm/host.ts';
import { compile, type Dimensions, importOnnx, instantiate } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { floats, modelOf, node } from '../state/model.ts';
import { relativeError, session, type Tensors } from '../state/onnxruntime.ts';

const int = (name: string, value: number) => ({ name, type: 'int' as const, value: BigInt(value) });
const ints = (name: string, values: number[]) => ({ name, type: 'ints' as const, value: values.map(BigInt) });
const integers = (values: number[]): HostTensor => ({
  dtype: 'i64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** Attention over T rows behind an embedding, sums over both axes, slices and a join. */
const attention = modelOf(
  [
    node('Gather', ['table', 'ids'], ['e']),
    node('Add', ['e', 'x'], ['h']),
    node('LayerNormalization', ['h', 'scale', 'shift'], ['n'], [int('axis', -1)]),
    node('MatMul', ['n', 'wq'], ['q']),
    node('MatMul', ['n', 'wk'], ['k']),
    node('Transpose', ['k'], ['kt'], [ints('perm', [0, 2, 1])]),
    node('MatMul', ['q', 'kt'], ['scores']),
    node('Softmax', ['scores'], ['weights'], [int('axis', -1)]),
    node('MatMul', ['weights', 'n'], ['mixed']),
    node('Slice', ['mixed', 'from2', 'to7', 'axis2'], ['part']),
    node('Concat', ['part', 'x', 'mixed'], ['joined'], [int('axis', 2)]),
    node('Concat', ['joined', 'joined'], ['twice'], [int('axis', 1)]),
    node('ReduceMean', ['twice'], ['rows'], [ints('axes', [1])]),
    node('ReduceMax', ['weights'], ['columns'], [ints('axes', [2])]),
    node('Sigmoid', ['twice'], ['y']),
  ],
  [
    ['ids', 'i64', [1, 'T']],
    ['x', 'f32', [1, 'T', 10]],
  ],
  [
    ['y', 'f32', [1, 'S', 25]],
    ['rows', 'f32', [1, 1, 25]],
    ['columns', 'f32', [1, 'T', 1]],
  ],
  {
    table: floats([16, 10], 2),
    scale: floats([10], 5),
    shift: floats([10], 6),
    wq: floats([10, 13], 3),
    wk: floats([10, 13], 4),
    from2: integers([2]),
    to7: integers([7]),
    axis2: integers([2]),
  },
);

function inputsOf(rows: number): Tensors {
  const ids = BigInt64Array.from({ length: rows }, (_, i) => BigInt((i * 5 + 3) % 16));
  return { ids: { dtype: 'i64', shape: [1, rows], data: ids }, x: floats([1, rows, 10], rows) };
}

const artifact = async (bytes: Uint8Array, dims: Dimensions) =>
  (await compile(importOnnx(bytes), { target: 'wasm', dims })).files;
const program = async (bytes: Uint8Array, dims: Dimensions) => instantiate(await artifact(bytes, dims));

describe('a program for any size within bounds', () => {
  it('gives the bytes of the program for each size, on both instruction paths', async () => {
    const files = await artifact(attention, { T: { min: 1, max: 40 } });
    const paths = ['baseline', 'auto'] as const;
    const whole = await Promise.all(paths.map((simd) => instantiate(files, { simd })));
    const { symbols, outputs } = whole[0]?.manifest.signature ?? {};
    expect(symbols).toEqual({ T: { min: 1, max: 40 } });
    expect(outputs?.map(({ shape }) => shape)).toEqual([
      [1, '(T*2)', 25],
      [1, 1, 25],
      [1, 'T', 1],
    ]);
    const run = await session(attention);
    // up and down: what a larger run left in the memory must not show
    for (const rows of [1, 40, 3, 8, 17]) {
      const wanted = await run(inputsOf(rows));
      const alone = await artifact(attention, { T: rows });
      for (const [i, simd] of paths.entries()) {
        const answers = whole[i]?.run(inputsOf(rows)) ?? {};
        expect(answers).toEqual((await instantiate(alone, { simd })).run(inputsOf(rows)));
        for (const [name, tensor] of Object.entries(wanted)) {
          expect(answers[name]?.shape).toEqual(tensor.shape);
          expect(relativeError(answers[name] as HostTensor, tensor)).toBeLessThan(1e-4);
        }
      }
    }
  }, 60_000);

  it('takes typed arrays, whose lengths tell the sizes, and says what does not fit', async () => {
    const { files } = await compile(importOnnx(attention), { target: 'wasm', dims: { T: { min: 2, max: 9 } } });
    const model = await instantiateWasm(files);
    const data = (rows: number) =>
      Object.fromEntries(Object.entries(inputsOf(rows)).map(([name, tensor]) => [name, tensor.data]));
    expect(model.run(data(5)).y?.length).toBe(2 * 5 * 25);
    const into = { rows: new Float32Array(25) };
    expect(model.run(data(9), { into }).rows).toBe(into.rows);
    expect(() => model.run(data(10))).toThrow(/"ids" has 10 elements.*none such for T from 2 to 9/);
    expect(() => model.run({ ...data(5), x: new Float32Array(40) })).toThrow(/"x" has 40 elements.*has 50 here/);
    expect(() => model.run(data(5), { sizes: { U: 5 } })).toThrow(/no size "U"/);
    expect(() => model.run(data(5), { sizes: { T: 1 } })).toThrow(/T is 1; it may be 2 to 9/);
    const typings = new TextDecoder().decode(files.get('model.d.ts'));
    expect(typings).toContain('/** 2 to 9 */\n  "T": number;');
    expect(typings).toContain('shape [1, T, 10], at most 90 elements');
  });

  it('refuses tensors of sizes beyond the bounds, or that contradict each other', async () => {
    const model = await program(attention, { T: { min: 2, max: 9 } });
    expect(() => model.run(inputsOf(10))).toThrow(/the size T is 10[\s\S]*planned for 2 to 9/);
    expect(() => model.run({ ...inputsOf(5), x: floats([1, 4, 10]) })).toThrow(/'x' has the shape \[1, 4, 10\]/);
  });
});

/** Convolutions, a pool and a mean over an image of any width: [1, 3, 8, W]. */
const image = modelOf(
  [
    node('Conv', ['x', 'w1', 'b1'], ['c1'], [ints('pads', [1, 1, 1, 1]), ints('strides', [2, 2])]),
    node('Relu', ['c1'], ['r1']),
    node('Conv', ['r1', 'w2'], ['c2'], [ints('pads', [1, 1, 1, 1]), int('group', 8)]),
    node('HardSwish', ['c2'], ['h2']),
    node('MaxPool', ['h2'], ['p'], [ints('kernel_shape', [2, 2]), ints('strides', [2, 1]), ints('pads', [0, 0, 0, 1])]),
    node('Conv', ['p', 'w3', 'b3'], ['c3']),
    node('GlobalAveragePool', ['c3'], ['mean']),
    node('Sigmoid', ['mean'], ['gate']),
    node('Mul', ['c3', 'gate'], ['gated']),
    node('Transpose', ['gated'], ['t'], [ints('perm', [0, 3, 1, 2])]),
    node('Softmax', ['t'], ['y'], [int('axis', 2)]),
  ],
  [['x', 'f32', [1, 3, 8, 'W']]],
  [['y', 'f32', [1, 'V', 7, 2]]],
  {
    w1: floats([8, 3, 3, 3], 2),
    b1: floats([8], 3),
    w2: floats([8, 1, 3, 3], 4),
    w3: floats([7, 8, 1, 1], 5),
    b3: floats([7], 6),
  },
);

describe('a program for images of any width', () => {
  it('gives the bytes of the program for each width', async () => {
    const whole = await program(image, { W: { min: 4, max: 37 } });
    const run = await session(image);
    for (const width of [4, 37, 5, 16]) {
      const x = floats([1, 3, 8, width], width);
      const answers = whole.run({ x });
      expect(answers).toEqual((await program(image, { W: width })).run({ x }));
      const { y } = await run({ x });
      expect(answers.y?.shape).toEqual(y?.shape);
      expect(relativeError(answers.y as HostTensor, y as HostTensor)).toBeLessThan(1e-4);
    }
  });
});

describe('what has no bounds, or no kernel for open sizes, is refused', () => {
  it('bounds that are none', async () => {
    await expect(program(attention, { T: { min: 5, max: 4 } })).rejects.toThrow(/'T=5..4' gives no size/);
    await expect(program(attention, { U: { min: 1, max: 4 } })).rejects.toThrow(/no dimension 'U'[\s\S]*'T'/);
  });

  it('a layer without such a kernel, by its name', async () => {
    const shape = ['T', 3, 3];
    const areas = modelOf([node('Det', ['x'], ['areas'])], [['x', 'f32', shape]], [['areas', 'f32', ['T']]]);
    await expect(program(areas, { T: { min: 1, max: 4 } })).rejects.toThrow(/size of T[\s\S]*areas[\s\S]*--dim T=/);
  });
});
