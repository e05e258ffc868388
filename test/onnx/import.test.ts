import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { type TensorType, verifyModule } from '../../src/ir/index.ts';
import { type ImportOptions, importOnnx } from '../../src/onnx/index.ts';
import {
  type AttributeProto,
  encodeModel,
  type GraphProto,
  type NodeProto,
  tensorInfo,
  tensorProto,
} from '../../src/onnx/proto/index.ts';

const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: AttributeProto[] = [],
  name = '',
): NodeProto => ({ name, opType, domain: '', overload: '', inputs, outputs, attributes });

const ints = (name: string, value: number[]): AttributeProto => ({ name, type: 'ints', value: value.map(BigInt) });

function load(graph: Partial<GraphProto>, opset = 17, options: Partial<ImportOptions> = {}) {
  const empty = {
    name: 'g',
    nodes: [],
    initializers: [],
    sparseInitializers: [],
    inputs: [],
    outputs: [],
    valueInfos: [],
  };
  const bytes = encodeModel({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [{ domain: '', version: opset }],
    graph: { ...empty, ...graph },
    functions: [],
    metadata: [],
  });
  const module = importOnnx(bytes, { registry, ...options });
  verifyModule(module);
  return module;
}

const int64 = (name: string, values: number[]) =>
  tensorProto(name, { dtype: 'i64', shape: [values.length], data: BigInt64Array.from(values, BigInt) });
const float = (name: string, shape: number[], values: number[]) =>
  tensorProto(name, { dtype: 'f32', shape, data: Float32Array.from(values) });

const x = tensorInfo('x', 'f32', ['batch size', 6]);
const outputs = [tensorInfo('y', 'f32', [])];
const opNames = (module: ReturnType<typeof load>) => [...module.main.body.ops()].map((op) => op.name);

describe('importOnnx', () => {
  it('folds the arithmetic of shapes, symbols included', () => {
    const module = load({
      inputs: [x],
      outputs,
      initializers: [int64('zero', [0]), int64('rest', [2, 3])],
      nodes: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['n']),
        node('Concat', ['n', 'rest'], ['t'], [{ name: 'axis', type: 'int', value: 0n }]),
        node('Reshape', ['x', 't'], ['y']),
      ],
    });
    expect(opNames(module)).toEqual(['nn.reshape', 'nn.return']);
    expect((module.main.resultTypes[0] as TensorType).shape.map(String)).toEqual(['"batch size"', '2', '3']);
    expect([...module.symbols.keys()]).toEqual(['batch size']);
  });

  it('keeps the names of the nodes, of inputs and of outputs', () => {
    const module = load({
      inputs: [x],
      outputs,
      nodes: [node('Relu', ['x'], ['a'], [], 'my/relu'), node('Exp', ['a'], ['y'])],
    });
    expect([...module.main.body.ops()].map((op) => op.source)).toEqual(['my/relu', 'Exp(y)', '']);
    expect(module.main.body.args.map((arg) => arg.name)).toEqual(['x']);
    expect(module.main.resultNames).toEqual(['y']);
  });

  it('multiplies by the transposed weights of a Gemm, transposed here', () => {
    const module = load({
      inputs: [x],
      outputs,
      initializers: [float('w', [1, 6], [1, 2, 3, 4, 5, 6]), float('c', [1], [10])],
      nodes: [node('Gemm', ['x', 'w', 'c'], ['y'], [{ name: 'transB', type: 'int', value: 1n }])],
    });
    expect(opNames(module)).toEqual(['nn.constant', 'nn.constant', 'nn.matmul', 'nn.return']);
    const input = { dtype: 'f32' as const, shape: [1, 6], data: Float32Array.of(1, 1, 1, 1, 1, 2) };
    expect(interpret(module, { x: input }).y?.data).toEqual(Float32Array.of(37));
  });

  it('fixes symbols, shapes and inputs that the caller knows', () => {
    const graph = { inputs: [x, tensorInfo('k', 'f32', [])], outputs, nodes: [node('Mul', ['x', 'k'], ['y'])] };
    const bound = load(graph, 17, { symbols: { 'batch size': 4 } });
    expect((bound.main.resultTypes[0] as TensorType).shape).toEqual([4, 6]);
    const constants = { k: { dtype: 'f32' as const, shape: [], data: Float32Array.of(2) } };
    const fixed = load(graph, 17, { shapes: { x: [1, 6] }, constants });
    expect(fixed.main.body.args.map((arg) => arg.type)).toEqual([expect.objectContaining({ shape: [1, 6] })]);
  });

  it('leaves out what nothing uses, Identity and Dropout', () => {
    const nodes = [node('Identity', ['x'], ['a']), node('Dropout', ['a'], ['y']), node('Exp', ['x'], ['unused'])];
    expect(opNames(load({ inputs: [x], outputs, nodes }))).toEqual(['nn.return']);
  });
});

describe('importOnnx refuses', () => {
  const refused = (nodes: NodeProto[], opset?: number) => () => load({ inputs: [x], outputs, nodes }, opset);

  it('an unknown operator, with the node and a suggestion', () => {
    const attempt = refused([node('Sigmoidd', ['x'], ['y'], [], 'act_3')]);
    expect(attempt).toThrow(/operator 'Sigmoidd' is not supported\n {2}at: {3}act_3/);
    expect(attempt).toThrow(/did you mean 'Sigmoid'\?/);
  });

  it('an attribute that it does not know', () => {
    expect(refused([node('Relu', ['x'], ['y'], [ints('slope', [1])])])).toThrow(/the attribute 'slope'/);
  });

  it('a missing input, a surplus output, and an operator set that is too old or too new', () => {
    expect(refused([node('Add', ['x', ''], ['y'])])).toThrow(/input 1 is missing/);
    expect(refused([node('Relu', ['x'], ['y', 'z'])])).toThrow(/output 1 \('z'\)/);
    expect(refused([node('Relu', ['x'], ['y'])], 0)).toThrow(/versions count from 1/);
    expect(refused([node('Relu', ['x'], ['y'])], 99)).toThrow(/operator set 99/);
  });

  it('a size for a dimension that it does not have', () => {
    const attempt = () =>
      load({ inputs: [x], outputs, nodes: [node('Relu', ['x'], ['y'])] }, 17, { symbols: { bach: 4 } });
    expect(attempt).toThrow(/no dimension 'bach'[\s\S]*dimensions are batch/);
  });

  it('a shape that depends on data', () => {
    const nodes = [
      node('Cast', ['x'], ['i'], [{ name: 'to', type: 'int', value: 7n }]),
      node('Reshape', ['x', 'i'], ['y']),
    ];
    expect(refused(nodes)).toThrow(/depends on data/);
  });
});

describe('interpret', () => {
  const module = load({ inputs: [x], outputs, nodes: [node('Relu', ['x'], ['y'])] });
  const tensor = (shape: number[]) => ({
    dtype: 'f32' as const,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });

  it('refuses a missing, an unknown, and a wrong input', () => {
    expect(() => interpret(module, {})).toThrow(/the input 'x' is missing/);
    expect(() => interpret(module, { X: tensor([1, 6]) })).toThrow(/no input 'X'[\s\S]*did you mean 'x'/);
    expect(() => interpret(module, { x: tensor([1, 5]) })).toThrow(/shape \[1, 5\][\s\S]*\["batch size", 6\]/);
    expect(() => interpret(module, { x: { dtype: 'i32', shape: [1, 6], data: new Int32Array(6) } })).toThrow(
      /i32[\s\S]*f32/,
    );
  });

  it('keeps f64 between ops when it is asked to', () => {
    const third = float('c', [], [3]);
    const nodes = [node('Div', ['x', 'c'], ['a']), node('Mul', ['a', 'c'], ['b']), node('Sub', ['b', 'x'], ['y'])];
    const exact = load({ inputs: [x], outputs, initializers: [third], nodes });
    const input = { x: { dtype: 'f32' as const, shape: [1, 6], data: Float32Array.of(0.1, 0.2, 0.7, 1.1, 1.3, 5.7) } };
    const seen: string[] = [];
    const observe = (op: { name: string }) => void seen.push(op.name);
    const wide = interpret(exact, input, { precision: 'f64', observe }).y;
    expect(wide?.dtype).toBe('f64');
    expect(Math.max(...Array.from(wide?.data as Float64Array, Math.abs))).toBeLessThan(1e-15);
    expect(seen).toContain('nn.div');
  });
});

describe('limits of an import', () => {
  const relus = (count: number) => Array.from({ length: count }, (_, i) => node('Relu', [`x${i}`], [`x${i + 1}`]));
  const chain = (count: number) => ({
    inputs: [tensorInfo('x0', 'f32', [2, 3])],
    outputs: [tensorInfo(`x${count}`, 'f32', [2, 3])],
    nodes: relus(count),
  });

  it('counts nodes', () => {
    expect(() => load(chain(3), 17, { limits: { nodes: 2 } })).toThrow(/more than 2 nodes[\s\S]*limit 'nodes' is 2/);
    expect(opNames(load(chain(3), 17, { limits: { nodes: 3 } }))).toHaveLength(4);
  });

  it('counts messages inside one another', () => {
    expect(() => load(chain(1), 17, { limits: { nesting: 2 } })).toThrow(/limit 'nesting'/);
    expect(opNames(load(chain(1), 17, { limits: { nesting: 6 } }))).toHaveLength(2);
  });

  it('counts the elements of inputs, of weights and of results', () => {
    const limits = { elements: 5 };
    expect(() => load(chain(1), 17, { limits })).toThrow(/\[2, 3\] has too many elements[\s\S]*limit 'elements' is 5/);
    const sum = (weight: number[], columns: number) => ({
      inputs: [tensorInfo('a', 'f32', [2, columns])],
      outputs,
      initializers: [float('w', weight, Array(weight[0] as number).fill(1))],
      nodes: [node('Add', ['a', 'w'], ['y'])],
    });
    expect(() => load(sum([6, 1], 1), 17, { limits })).toThrow(/\[6, 1\] has too many elements/);
    expect(() => load(sum([3], 1), 17, { limits })).toThrow(/\[2, 3\] has too many elements/);
    expect(opNames(load(sum([2], 2), 17, { limits }))).toContain('nn.add');
  });

  it('counts the bytes of all constants that it computes', () => {
    const graph = {
      inputs: [tensorInfo('x', 'f32', [4])],
      outputs,
      initializers: [float('w', [4], [1, 2, 3, 4])],
      nodes: [node('Exp', ['w'], ['e']), node('Neg', ['e'], ['n']), node('Add', ['x', 'n'], ['y'])],
    };
    expect(() => load(graph, 17, { limits: { foldedBytes: 31 } })).toThrow(/limit 'foldedBytes' is 31/);
    expect(opNames(load(graph, 17, { limits: { foldedBytes: 32 } }))).toEqual(['nn.constant', 'nn.add', 'nn.return']);
  });

  it('counts seconds', () => {
    expect(() => load(chain(1), 17, { limits: { seconds: 0 } })).toThrow(
      /the import takes too long[\s\S]*--allow seconds/,
    );
  });

  it('leaves large weights where they lie', () => {
    const size = 70_000;
    let reads = 0;
    const read = (_: number, length: number) => {
      reads++;
      return new Uint8Array(length);
    };
    const external = [{ key: 'location', value: 'w.bin' }];
    const { rawData: _, ...w } = float('w', [size], []);
    const module = load(
      {
        inputs: [tensorInfo('x', 'f32', [size])],
        outputs,
        initializers: [{ ...w, dims: [BigInt(size)], external }],
        nodes: [node('Exp', ['w'], ['e']), node('Mul', ['x', 'e'], ['y'])],
      },
      17,
      { externalData: () => ({ length: 4 * size, read }) },
    );
    expect(opNames(module)).toEqual(['nn.constant', 'nn.exp', 'nn.mul', 'nn.return']);
    expect(reads).toBe(0);
    const { y } = interpret(module, { x: { dtype: 'f32', shape: [size], data: new Float32Array(size).fill(2) } });
    expect(y?.data[size - 1]).toBe(2);
    expect(reads).toBeGreaterThan(0);
  });
});

describe('layers whose weights are one number many times', () => {
  const [channels, inputs, size, kernel] = [64, 2, 6, 6];
  const data = Float32Array.from({ length: 2 * inputs * size * size }, (_, i) => ((i * 37) % 64) / 64 - 0.4);
  const offsets = Array.from({ length: channels }, (_, i) => i / 8);
  const filled = node(
    'ConstantOfShape',
    ['shape'],
    ['w'],
    [{ name: 'value', type: 'tensor', value: float('', [1], [0.5]) }],
  );
  const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
  const close = (actual: ArrayLike<number | bigint>, wanted: readonly number[]) => {
    for (const [i, v] of wanted.entries()) expect(Math.abs(Number(actual[i]) - v)).toBeLessThan(1e-4);
  };

  it.each([[true], [false]])('convolve with one filter in each group, with a bias: %s', (isBiased) => {
    const module = load({
      inputs: [tensorInfo('x', 'f32', [1, 2 * inputs, size, size])],
      outputs,
      initializers: [int64('shape', [channels, inputs, kernel, kernel]), float('b', [channels], offsets)],
      nodes: [
        filled,
        node('Conv', ['x', 'w', ...(isBiased ? ['b'] : [])], ['y'], [{ name: 'group', type: 'int', value: 2n }]),
      ],
    });
    const elements = [...module.ops()]
      .filter(({ name }) => name === 'nn.constant')
      .map(({ result }) => (result.type as TensorType).shape.reduce<number>((n, d) => n * Number(d), 1));
    expect(Math.max(...elements)).toBe(2 * inputs * kernel * kernel);
    const { y } = interpret(module, { x: { dtype: 'f32', shape: [1, 2 * inputs, size, size], data } });
    expect(y?.shape).toEqual([1, channels, 1, 1]);
    const halves = [data.subarray(0, data.length / 2), data.subarray(data.length / 2)].map((half) => 0.5 * sum(half));
    close(
      y?.data ?? [],
      offsets.map((b, i) => (halves[i < channels / 2 ? 0 : 1] as number) + (isBiased ? b : 0)),
    );
  });

  it.each([[true], [false]])('multiply by one column, with a bias: %s', (isBiased) => {
    const module = load({
      inputs: [tensorInfo('x', 'f32', [2, 72])],
      outputs,
      initializers: [int64('shape', [channels, 72]), float('b', [channels], offsets)],
      nodes: [
        filled,
        node('Gemm', ['x', 'w', ...(isBiased ? ['b'] : [])], ['y'], [{ name: 'transB', type: 'int', value: 1n }]),
      ],
    });
    const { y } = interpret(module, { x: { dtype: 'f32', shape: [2, 72], data } });
    expect(y?.shape).toEqual([2, channels]);
    const rows = [data.subarray(0, 72), data.subarray(72)].map((row) => 0.5 * sum(row));
    close(
      y?.data ?? [],
      rows.flatMap((row) => offsets.map((b) => row + (isBiased ? b : 0))),
    );
  });
});
