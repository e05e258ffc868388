import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { verifyModule } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { type AttributeProto, encodeModel, tensorInfo, tensorProto } from '../../src/onnx/proto/index.ts';
import { type DType, elementCount, type HostTensor, type TypedArray, typedArrayOf } from '../../src/support/tensor.ts';
import { compareTensors } from './backendTest.ts';

// Operators of the domain com.microsoft, against onnxruntime itself.

let state = 1;
/** Numbers in [0, 1), the same in every run. */
function random(): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return state / 0x80000000;
}

const fill = (dtype: DType, shape: number[], make: () => number): HostTensor => {
  const data = new (typedArrayOf(dtype))(elementCount(shape)) as Float32Array;
  for (let i = 0; i < data.length; i++) data[i] = make();
  return { dtype, shape, data };
};
const floats = (shape: number[], scale = 2) => fill('f32', shape, () => scale * (random() - 0.5));
const positive = (shape: number[], scale = 0.1) => fill('f32', shape, () => scale * (0.25 + random()));
const codes = (dtype: 'i8' | 'u8', shape: number[]) =>
  fill(dtype, shape, () => Math.floor(256 * random()) - (dtype === 'i8' ? 128 : 0));
const ids = (shape: number[], below: number) => fill('i32', shape, () => Math.floor(below * random()));
const scalar = (dtype: DType, value: number): HostTensor => fill(dtype, [], () => value);

/** An input of the node: a tensor; `fixed` ones are initializers. */
type Input = HostTensor | { readonly fixed: HostTensor } | undefined;
type Attributes = Record<string, number | number[] | string>;

interface Case {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Input[];
  readonly attributes?: Attributes;
  /** Default: one. Empty names are left out. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
}

const attributeProto = ([name, value]: [string, number | number[] | string]): AttributeProto => {
  if (typeof value === 'string') return { name, type: 'string', value: new TextEncoder().encode(value) };
  // Floats are written with a fraction in the cases below.
  if (Array.isArray(value)) return { name, type: 'floats', value };
  return Number.isInteger(value) ? { name, type: 'int', value: BigInt(value) } : { name, type: 'float', value };
};

function modelOf({ op, inputs, attributes = {}, outputs = ['y'], domain = 'com.microsoft' }: Case): Uint8Array {
  const open = inputs.flatMap((input, i) => (input && !('fixed' in input) ? [[`x${i}`, input] as const] : []));
  const fixed = inputs.flatMap((input, i) => (input && 'fixed' in input ? [[`x${i}`, input.fixed] as const] : []));
  const names = inputs.map((input, i) => (input ? `x${i}` : ''));
  const ints = ['kernel_shape', 'pads', 'strides'];
  const protos = Object.entries(attributes).map((entry): AttributeProto => {
    const [name, value] = entry;
    return ints.includes(name) ? { name, type: 'ints', value: (value as number[]).map(BigInt) } : attributeProto(entry);
  });
  return encodeModel({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [
      { domain: '', version: 17 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'g',
      nodes: [{ name: 'node', opType: op, domain, overload: '', inputs: names, outputs, attributes: protos }],
      initializers: fixed.map(([name, tensor]) => tensorProto(name, tensor)),
      sparseInitializers: [],
      inputs: open.map(([name, { dtype, shape }]) => tensorInfo(name, dtype, shape)),
      outputs: outputs.filter((name) => name !== '').map((name) => ({ name, type: undefined })),
      valueInfos: [],
    },
    functions: [],
    metadata: [],
  });
}

const ortTypes: Partial<Record<DType, 'float32' | 'int8' | 'uint8' | 'int32' | 'int64'>> = {
  f32: 'float32',
  i8: 'int8',
  u8: 'uint8',
  i32: 'int32',
  i64: 'int64',
};
const dtypes: Record<string, DType> = { float32: 'f32', int8: 'i8', uint8: 'u8', int32: 'i32', int64: 'i64' };

async function expectAgreement(testCase: Case): Promise<void> {
  const bytes = modelOf(testCase);
  const given = Object.fromEntries(
    testCase.inputs.flatMap((input, i) => (input && !('fixed' in input) ? [[`x${i}`, input] as const] : [])),
  );
  const module = importOnnx(bytes, { registry });
  verifyModule(module);
  const actual = interpret(module, given);
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  const feeds = Object.entries(given).map(([name, { dtype, shape, data }]) => [
    name,
    new Tensor(ortTypes[dtype] as 'float32', data as Float32Array, shape),
  ]);
  const expected = await session.run(Object.fromEntries(feeds));
  for (const [name, { type, dims, data }] of Object.entries(expected)) {
    const wanted: HostTensor = { dtype: dtypes[type] as DType, shape: dims, data: data as TypedArray };
    const got = actual[name] as HostTensor;
    const { dtype, shape } = wanted;
    const isCode = dtype === 'i8' || dtype === 'u8';
    expect({ dtype: got.dtype, shape: got.shape }, name).toEqual({ dtype, shape });
    // onnxruntime's kernels on codes approximate: one quantum is allowed.
    if (isCode) wanted.data.forEach((v, i) => void expect(Math.abs(Number(v) - Number(got.data[i]))).toBeLessThan(2));
    else expect(compareTensors(got, wanted, 1e-5), name).toBeUndefined();
  }
}

const fixed = (tensor: HostTensor): Input => ({ fixed: tensor });
const s = (value: number) => fixed(scalar('f32', value));
const z = (dtype: 'i8' | 'u8', value: number) => fixed(scalar(dtype, value));

const layerNorm = (name: string, op: string, inputs: Input[], outputs: string[]): Case => ({
  name,
  op,
  inputs,
  outputs,
  attributes: { epsilon: 1e-5 },
});

const nBits = (bits: number, inputs: Input[], name: string): Case => ({
  name,
  op: 'MatMulNBits',
  attributes: { K: 40, N: 6, bits, block_size: 16 },
  inputs: [floats([2, 3, 40]), ...inputs],
});

const matmulCases: readonly Case[] = [
  nBits(4, [fixed(codes('u8', [6, 3, 8])), fixed(positive([18]))], 'MatMulNBits of 4 bits'),
  nBits(
    4,
    [fixed(codes('u8', [6, 3, 8])), fixed(positive([18])), fixed(codes('u8', [12]))],
    'MatMulNBits with zero points',
  ),
  nBits(
    4,
    [fixed(codes('u8', [6, 3, 8])), fixed(positive([18])), fixed(floats([18], 10)), undefined, fixed(floats([6]))],
    'MatMulNBits with real zero points and a bias',
  ),
  nBits(8, [fixed(codes('u8', [6, 3, 16])), fixed(positive([18]))], 'MatMulNBits of 8 bits'),
  {
    name: 'DynamicQuantizeMatMul',
    op: 'DynamicQuantizeMatMul',
    inputs: [floats([3, 8]), fixed(codes('i8', [8, 5])), fixed(positive([5])), undefined, fixed(floats([5]))],
  },
  {
    name: 'DynamicQuantizeMatMul with a zero point',
    op: 'DynamicQuantizeMatMul',
    inputs: [floats([2, 3, 8]), fixed(codes('u8', [8, 5])), fixed(positive([1])), fixed(codes('u8', [1]))],
  },
  {
    name: 'MatMulIntegerToFloat',
    op: 'MatMulIntegerToFloat',
    inputs: [
      codes('u8', [3, 8]),
      fixed(codes('i8', [8, 5])),
      s(0.02),
      fixed(positive([5])),
      z('u8', 117),
      fixed(codes('i8', [5])),
    ],
  },
  {
    name: 'FusedMatMul',
    op: 'FusedMatMul',
    inputs: [floats([2, 5, 3]), floats([2, 4, 5])],
    attributes: { alpha: 0.25, transA: 1, transB: 1 },
  },
];

const qlinearCases: readonly Case[] = [
  {
    name: 'QLinearAdd',
    op: 'QLinearAdd',
    inputs: [
      codes('u8', [2, 3, 4]),
      s(0.1),
      z('u8', 120),
      codes('u8', [3, 1]),
      s(0.05),
      z('u8', 9),
      s(0.13),
      z('u8', 99),
    ],
  },
  {
    name: 'QLinearMul',
    op: 'QLinearMul',
    inputs: [codes('i8', [2, 3, 4]), s(0.1), z('i8', 12), codes('i8', [4]), s(0.05), z('i8', -9), s(0.3), z('i8', 5)],
  },
  {
    name: 'QLinearSigmoid',
    op: 'QLinearSigmoid',
    inputs: [codes('u8', [300]), s(0.06), z('u8', 120), s(1 / 256), z('u8', 0)],
  },
  {
    name: 'QLinearLeakyRelu',
    op: 'QLinearLeakyRelu',
    inputs: [codes('i8', [300]), s(0.06), z('i8', 3), s(0.05), z('i8', -20)],
    attributes: { alpha: 0.3 },
  },
  {
    name: 'QLinearAveragePool',
    op: 'QLinearAveragePool',
    inputs: [codes('u8', [1, 3, 6, 5]), s(0.06), z('u8', 120), s(0.05), z('u8', 100)],
    attributes: { kernel_shape: [3, 2], pads: [1, 0, 1, 1], strides: [2, 1] },
  },
  {
    name: 'QLinearGlobalAveragePool, channels last',
    op: 'QLinearGlobalAveragePool',
    inputs: [codes('u8', [2, 4, 5, 3]), s(0.06), z('u8', 120), s(0.02), z('u8', 100)],
    attributes: { channels_last: 1 },
  },
  {
    name: 'QLinearSoftmax',
    op: 'QLinearSoftmax',
    inputs: [codes('u8', [4, 10]), s(0.06), z('u8', 120), s(1 / 256), z('u8', 0)],
    attributes: { axis: -1, opset: 13 },
  },
  {
    name: 'QLinearConcat',
    op: 'QLinearConcat',
    inputs: [s(0.1), z('u8', 90), codes('u8', [2, 3]), s(0.06), z('u8', 12), codes('u8', [2, 2]), s(0.11), z('u8', 0)],
    attributes: { axis: 1 },
  },
];

const fusedCases: readonly Case[] = [
  {
    name: 'FusedConv with a sum and LeakyRelu',
    op: 'FusedConv',
    inputs: [floats([1, 3, 6, 6]), fixed(floats([4, 3, 3, 3])), fixed(floats([4])), floats([1, 4, 6, 6])],
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], activation: 'LeakyRelu', activation_params: [0.2] },
  },
  {
    name: 'FusedConv with Clip',
    op: 'FusedConv',
    inputs: [floats([1, 3, 6, 6]), fixed(floats([4, 3, 3, 3]))],
    attributes: { kernel_shape: [3, 3], activation: 'Clip', activation_params: [-0.5, 0.75] },
  },
  layerNorm(
    'SkipLayerNormalization with bias and sum',
    'SkipLayerNormalization',
    [floats([2, 3, 8]), floats([2, 3, 8]), fixed(floats([8])), fixed(floats([8])), fixed(floats([8]))],
    ['y', '', '', 'total'],
  ),
  layerNorm(
    'SkipSimplifiedLayerNormalization',
    'SkipSimplifiedLayerNormalization',
    [floats([2, 3, 8]), floats([2, 3, 8]), fixed(floats([8]))],
    ['y'],
  ),
  {
    name: 'SimplifiedLayerNormalization',
    op: 'SimplifiedLayerNormalization',
    domain: '',
    inputs: [floats([2, 3, 8]), fixed(floats([8]))],
    attributes: { epsilon: 1e-5, axis: -1 },
  },
  {
    name: 'EmbedLayerNormalization with a mask',
    op: 'EmbedLayerNormalization',
    inputs: [
      ids([2, 4], 9),
      ids([2, 4], 2),
      fixed(floats([9, 8])),
      fixed(floats([6, 8])),
      fixed(floats([2, 8])),
      fixed(floats([8])),
      fixed(floats([8])),
      ids([2, 4], 2),
    ],
    attributes: { epsilon: 1e-5 },
    outputs: ['y', 'lengths'],
  },
  {
    name: 'EmbedLayerNormalization without segments',
    op: 'EmbedLayerNormalization',
    inputs: [
      ids([2, 4], 9),
      undefined,
      fixed(floats([9, 8])),
      fixed(floats([6, 8])),
      undefined,
      fixed(floats([8])),
      fixed(floats([8])),
    ],
    attributes: { epsilon: 1e-5 },
    outputs: ['y', 'lengths'],
  },
  { name: 'Gelu', op: 'Gelu', inputs: [floats([50], 8)] },
  { name: 'BiasGelu', op: 'BiasGelu', inputs: [floats([5, 6], 8), fixed(floats([6]))] },
  { name: 'FastGelu', op: 'FastGelu', inputs: [floats([5, 6], 8), fixed(floats([6]))] },
  { name: 'QuickGelu', op: 'QuickGelu', inputs: [floats([50], 8)], attributes: { alpha: 1.702 } },
];

describe('operators of com.microsoft agree with onnxruntime', () => {
  it.each([...matmulCases, ...qlinearCases, ...fusedCases])('$name', expectAgreement);

  it('refuses a MatMulNBits whose weights are computed', () => {
    const bytes = modelOf(nBits(4, [codes('u8', [6, 3, 8]), fixed(positive([18]))], ''));
    expect(() => importOnnx(bytes, { registry })).toThrow(/MatMulNBits[\s\S]*depends on data[\s\S]*at: {3}node/);
  });
});
