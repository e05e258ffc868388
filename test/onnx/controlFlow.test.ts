import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret, type Tensors } from '../../src/interpret/index.ts';
import { type Module, verifyModule } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import {
  type AttributeProto,
  encodeModel,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
  tensorInfo,
  tensorProto,
} from '../../src/onnx/proto/index.ts';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import { parse, printModule as print } from '../../src/text/index.ts';
import { compareTensors } from './backendTest.ts';

// If, Loop and Scan as regions, functions inlined, sequences folded: all against onnxruntime.

const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: AttributeProto[] = [],
  domain = '',
): NodeProto => ({ name: outputs[0] ?? '', opType, domain, overload: '', inputs, outputs, attributes });

const graphOf = (parts: Partial<GraphProto>): GraphProto => ({
  name: 'g',
  nodes: [],
  initializers: [],
  sparseInitializers: [],
  inputs: [],
  outputs: [],
  valueInfos: [],
  ...parts,
});

const body = (name: string, parts: Partial<GraphProto>): AttributeProto => ({
  name,
  type: 'graph',
  value: graphOf(parts),
});
const int = (name: string, value: number): AttributeProto => ({ name, type: 'int', value: BigInt(value) });
const ints = (name: string, value: number[]): AttributeProto => ({ name, type: 'ints', value: value.map(BigInt) });
const float = (name: string, values: number[], shape: number[] = []) =>
  tensorProto(name, { dtype: 'f32', shape, data: Float32Array.from(values) });
const long = (name: string, value: number, shape: number[] = []) =>
  tensorProto(name, { dtype: 'i64', shape, data: BigInt64Array.of(BigInt(value)) });
const truth = (name: string, value: boolean) =>
  tensorProto(name, { dtype: 'i1', shape: [], data: Uint8Array.of(value ? 1 : 0) });
const f32 = (name: string, shape: (number | string)[]) => tensorInfo(name, 'f32', shape);

function modelOf(parts: Partial<GraphProto>, functions: FunctionProto[] = [], opset = 17): Uint8Array {
  return encodeModel({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [
      { domain: '', version: opset },
      { domain: 'local', version: 1 },
    ],
    graph: graphOf(parts),
    functions,
    metadata: [],
  });
}

function load(bytes: Uint8Array): Module {
  const module = importOnnx(bytes, { registry });
  verifyModule(module);
  const { text, bin } = print(module);
  const again = parse(text, { registry, ...(bin ? { bin } : {}) });
  verifyModule(again);
  expect(print(again).text).toBe(text);
  return module;
}

const names = (module: Module) => [...module.ops()].map((op) => op.name);

const ortTypes = { f32: 'float32', i64: 'int64', i1: 'bool' } as const;
const dtypes = { float32: 'f32', int64: 'i64', bool: 'i1' } as const;

/** Imports and runs a model on each set of inputs, here and in onnxruntime. */
async function agree(bytes: Uint8Array, ...sets: Tensors[]): Promise<Module> {
  const module = load(bytes);
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  for (const inputs of sets) {
    const feeds = Object.entries(inputs).map(([name, { dtype, shape, data }]) => {
      return [name, new Tensor(ortTypes[dtype as 'f32'], data as Float32Array, shape)] as const;
    });
    const actual = interpret(module, inputs);
    for (const [name, { type, dims, data }] of Object.entries(await session.run(Object.fromEntries(feeds)))) {
      const wanted = { dtype: dtypes[type as 'float32'], shape: [...dims], data: data as TypedArray };
      expect(compareTensors(actual[name] as HostTensor, wanted, 1e-6), name).toBeUndefined();
    }
  }
  return module;
}

const vector = (...values: number[]): HostTensor => ({
  dtype: 'f32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const flag = (value: boolean): HostTensor => ({ dtype: 'i1', shape: [], data: Uint8Array.of(value ? 1 : 0) });
const count = (value: number): HostTensor => ({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(value)) });

const branches = [
  body('then_branch', { nodes: [node('Mul', ['h', 'two'], ['a'])], outputs: [f32('a', ['n'])] }),
  body('else_branch', { nodes: [node('Add', ['h', 'x'], ['b'])], outputs: [f32('b', ['n'])] }),
];
const conditional: Partial<GraphProto> = {
  inputs: [f32('x', ['n']), tensorInfo('c', 'i1', [])],
  outputs: [f32('y', ['n'])],
  initializers: [float('two', [2])],
  nodes: [node('Neg', ['x'], ['h']), node('If', ['c'], ['y'], branches)],
};

describe('If', () => {
  it('runs one of two isolated regions; what they read comes in as operands', async () => {
    const sets = [true, false].map((c) => ({ x: vector(1, 2, 3), c: flag(c) }));
    const module = await agree(modelOf(conditional), ...sets);
    const op = [...module.main.body.ops()].find(({ name }) => name === 'nn.if');
    expect(op?.operands.map((operand) => operand?.name)).toEqual(['c', 'h', 'x']);
    // The constant is in the region that needs it.
    expect([...(op?.regions[0]?.ops() ?? [])].map(({ name }) => name)).toEqual(['nn.constant', 'nn.mul', 'nn.return']);
  });

  it('is the branch itself where the condition is constant', () => {
    const { inputs, initializers = [], ...rest } = conditional;
    const fixed = { ...rest, inputs: [f32('x', ['n'])], initializers: [...initializers, truth('c', false)] };
    expect(names(load(modelOf(fixed)))).toEqual(['nn.neg', 'nn.add', 'nn.return']);
    expect(inputs).toHaveLength(2);
  });

  it('gives sizes that depend on the condition', async () => {
    const parts = {
      ...conditional,
      outputs: [f32('y', ['m']), f32('z', ['m'])],
      nodes: [
        node(
          'If',
          ['c'],
          ['y'],
          [
            body('then_branch', {
              nodes: [node('Concat', ['x', 'x'], ['a'], [int('axis', 0)])],
              outputs: [f32('a', ['m'])],
            }),
            body('else_branch', { nodes: [node('Neg', ['x'], ['b'])], outputs: [f32('b', ['n'])] }),
          ],
        ),
        node('Exp', ['y'], ['z']),
      ],
    };
    await agree(modelOf(parts), { x: vector(1, 2), c: flag(true) }, { x: vector(1, 2), c: flag(false) });
  });

  it('refuses branches of different ranks, with the node', () => {
    const parts = {
      ...conditional,
      nodes: [
        node(
          'If',
          ['c'],
          ['y'],
          [
            body('then_branch', {
              initializers: [long('axis', 0, [1])],
              nodes: [node('Unsqueeze', ['x', 'axis'], ['a'])],
              outputs: [f32('a', [1, 'n'])],
            }),
            body('else_branch', { nodes: [node('Neg', ['x'], ['b'])], outputs: [f32('b', ['n'])] }),
          ],
        ),
      ],
    };
    expect(() => load(modelOf(parts))).toThrow(/branches give[\s\S]*at: {3}y[\s\S]*--dim n=/);
  });
});

const loopInputs = [tensorInfo('i', 'i64', []), tensorInfo('go', 'i1', []), f32('s', ['k'])];
const loopOf = (inputs: string[], outputs: string[], parts: Partial<GraphProto>) =>
  node('Loop', inputs, outputs, [body('body', { inputs: loopInputs, ...parts })]);

describe('Loop', () => {
  const collecting = {
    nodes: [node('Add', ['s', 'x'], ['next']), node('Mul', ['next', 'x'], ['slice']), node('Identity', ['go'], ['on'])],
    outputs: [tensorInfo('on', 'i1', []), f32('next', ['k']), f32('slice', ['k'])],
  };
  const looping = (trips: Partial<GraphProto>): Uint8Array =>
    modelOf({
      outputs: [f32('y', ['k']), f32('all', ['t', 'k'])],
      nodes: [loopOf(['trips', '', 'x'], ['y', 'all'], collecting)],
      ...trips,
    });

  it('carries values and collects slices, as often as data tells', async () => {
    const bytes = looping({ inputs: [f32('x', [3]), tensorInfo('trips', 'i64', [])] });
    await agree(bytes, { x: vector(1, 2, 3), trips: count(4) }, { x: vector(1, 2, 3), trips: count(0) });
  });

  it('has a known number of slices where the trip count is constant', async () => {
    const bytes = looping({ inputs: [f32('x', [3])], initializers: [long('trips', 5)] });
    const module = await agree(bytes, { x: vector(1, -2, 0.5) });
    expect(module.main.resultTypes[1]).toMatchObject({ shape: [5, 3] });
  });

  it('ends when its condition does, with a carried value that grows', async () => {
    const growing = {
      initializers: [float('limit', [10])],
      nodes: [
        node('Concat', ['s', 'x'], ['next'], [int('axis', 0)]),
        node('ReduceSum', ['next'], ['sum'], [int('keepdims', 0)]),
        node('Less', ['sum', 'limit'], ['on']),
      ],
      outputs: [tensorInfo('on', 'i1', []), f32('next', ['m'])],
    };
    const bytes = modelOf({
      inputs: [f32('x', [2])],
      outputs: [f32('y', ['m'])],
      initializers: [truth('start', true)],
      nodes: [loopOf(['', 'start', 'x'], ['y'], growing)],
    });
    await agree(bytes, { x: vector(1, 2) }, { x: vector(20, 2) });
  });

  it('is written out where it carries a sequence', async () => {
    const sequence = { kind: 'sequence' as const, element: tensorInfo('', 'f32', [2]).type };
    const bytes = modelOf({
      inputs: [f32('x', [2])],
      outputs: [f32('y', ['m'])],
      initializers: [long('trips', 3), truth('start', true)],
      nodes: [
        node('SequenceEmpty', [], ['empty']),
        node(
          'Loop',
          ['trips', 'start', 'empty'],
          ['list'],
          [
            body('body', {
              inputs: [...loopInputs.slice(0, 2), { name: 's', type: sequence }],
              nodes: [
                node('Cast', ['i'], ['f'], [int('to', 1)]),
                node('Mul', ['x', 'f'], ['item']),
                node('SequenceInsert', ['s', 'item'], ['next']),
                node('Identity', ['go'], ['on']),
              ],
              outputs: [tensorInfo('on', 'i1', []), { name: 'next', type: sequence }],
            }),
          ],
        ),
        node('ConcatFromSequence', ['list'], ['y'], [int('axis', 0)]),
      ],
    });
    const module = await agree(bytes, { x: vector(1, 2) });
    expect(names(module)).not.toContain('nn.loop');
  });
});

describe('Scan', () => {
  it('takes slices along any axis in either direction', async () => {
    const scan = node(
      'Scan',
      ['start', 'a', 'b'],
      ['last', 'all'],
      [
        int('num_scan_inputs', 2),
        ints('scan_input_axes', [1, 0]),
        ints('scan_input_directions', [1, 0]),
        ints('scan_output_axes', [1]),
        ints('scan_output_directions', [1]),
        body('body', {
          inputs: [f32('s', [2]), f32('p', [2]), f32('q', [2])],
          nodes: [
            node('Mul', ['p', 'q'], ['pq']),
            node('Add', ['s', 'pq'], ['next']),
            node('Mul', ['next', 'outer'], ['slice']),
          ],
          outputs: [f32('next', [2]), f32('slice', [2])],
        }),
      ],
    );
    const bytes = modelOf({
      inputs: [f32('start', [2]), f32('a', [2, 3]), f32('b', [3, 2]), f32('outer', [2])],
      outputs: [f32('last', [2]), f32('all', [2, 3])],
      nodes: [scan],
    });
    const six = (from: number) => Float32Array.from({ length: 6 }, (_, i) => from + i);
    await agree(bytes, {
      start: vector(1, -1),
      a: { dtype: 'f32', shape: [2, 3], data: six(1) },
      b: { dtype: 'f32', shape: [3, 2], data: six(-3) },
      outer: vector(2, 0.5),
    });
  });
});

describe('Scan of version 8', () => {
  it('runs for each member of a batch', async () => {
    const scan = node(
      'Scan',
      ['', 'start', 'a'],
      ['last', 'all'],
      [
        int('num_scan_inputs', 1),
        ints('directions', [1]),
        body('body', {
          inputs: [f32('s', [2]), f32('p', [2])],
          nodes: [node('Add', ['s', 'p'], ['next']), node('Neg', ['next'], ['slice'])],
          outputs: [f32('next', [2]), f32('slice', [2])],
        }),
      ],
    );
    const parts = {
      inputs: [f32('start', [2, 2]), f32('a', [2, 3, 2])],
      outputs: [f32('last', [2, 2]), f32('all', [2, 3, 2])],
      nodes: [scan],
    };
    await agree(modelOf(parts, [], 8), {
      start: { dtype: 'f32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      a: { dtype: 'f32', shape: [2, 3, 2], data: Float32Array.from({ length: 12 }, (_, i) => i * i) },
    });
  });
});

const functionOf = (name: string, nodes: NodeProto[]): FunctionProto => ({
  name,
  domain: 'local',
  overload: '',
  inputs: ['p', 'q'],
  outputs: ['r'],
  attributes: ['slope'],
  defaults: [],
  nodes,
  opsetImports: [
    { domain: '', version: 17 },
    { domain: 'local', version: 1 },
  ],
  valueInfos: [],
});

describe('functions of a model', () => {
  const slope: AttributeProto = { name: 'slope', type: 'float', value: 0.25 };
  const call = [node('Outer', ['x', 'x'], ['y'], [slope], 'local')];
  const io = { inputs: [f32('x', [3])], outputs: [f32('y', [3])] };

  it('are inlined with their attributes, one inside the other', async () => {
    const inner = functionOf('Inner', [
      node('LeakyRelu', ['p'], ['t'], [{ name: 'alpha', type: 'reference', value: 'slope' }]),
      node('Add', ['t', 'q'], ['r']),
    ]);
    const outer = functionOf('Outer', [
      node('Inner', ['p', 'q'], ['u'], [{ name: 'slope', type: 'reference', value: 'slope' }], 'local'),
      node('Mul', ['u', 'q'], ['r']),
    ]);
    const module = await agree(modelOf({ ...io, nodes: call }, [inner, outer]), { x: vector(1, -2, 3) });
    expect([...module.main.body.ops()].map((op) => op.source)).toEqual(['y/u/t', 'y/u/r', 'y/r', '']);
  });

  it('are refused when they call themselves', () => {
    const endless = functionOf('Outer', [node('Outer', ['p', 'q'], ['r'], [], 'local')]);
    expect(() => load(modelOf({ ...io, nodes: call }, [endless]))).toThrow(/'Outer' calls itself[\s\S]*at: {3}y\/r/);
  });

  it('are refused when they come to too many nodes', () => {
    const last = functionOf('F0', [node('Add', ['p', 'q'], ['r'])]);
    const more = Array.from({ length: 30 }, (_, i) =>
      functionOf(`F${i + 1}`, [
        node(`F${i}`, ['p', 'q'], ['u'], [], 'local'),
        node(`F${i}`, ['u', 'q'], ['r'], [], 'local'),
      ]),
    );
    const bytes = modelOf({ ...io, nodes: [node('F30', ['x', 'x'], ['y'], [], 'local')] }, [last, ...more]);
    expect(() => load(bytes)).toThrow(/more than \d+ nodes/);
  });
});

describe('sequences and optionals', () => {
  it('fold away', async () => {
    const bytes = modelOf({
      inputs: [f32('x', [4, 3])],
      outputs: [f32('y', [3, 1]), tensorInfo('n', 'i64', [])],
      initializers: [long('last', -1), long('two', 2)],
      nodes: [
        node('SplitToSequence', ['x', 'two'], ['parts'], [int('axis', 1)]),
        node('SequenceAt', ['parts', 'last'], ['y0']),
        node('SequenceLength', ['parts'], ['n']),
        node('Optional', ['y0'], ['maybe']),
        node('OptionalGetElement', ['maybe'], ['y']),
      ],
    });
    const x = { dtype: 'f32' as const, shape: [4, 3], data: Float32Array.from({ length: 12 }, (_, i) => i) };
    const module = await agree(bytes, { x });
    expect(names(module)).toEqual(['nn.slice', 'nn.constant', 'nn.return']);
  });
});
