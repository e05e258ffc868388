import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import {
  type Case,
  code,
  codes,
  expectAgreement,
  fixed,
  floats,
  type Input,
  ids,
  modelOf,
  positive,
  real,
} from './oneNode.ts';

// Operators of the domain com.microsoft, against onnxruntime itself.

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
      real(0.02),
      fixed(positive([5])),
      code('u8', 117),
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
      real(0.1),
      code('u8', 120),
      codes('u8', [3, 1]),
      real(0.05),
      code('u8', 9),
      real(0.13),
      code('u8', 99),
    ],
  },
  {
    name: 'QLinearMul',
    op: 'QLinearMul',
    inputs: [
      codes('i8', [2, 3, 4]),
      real(0.1),
      code('i8', 12),
      codes('i8', [4]),
      real(0.05),
      code('i8', -9),
      real(0.3),
      code('i8', 5),
    ],
  },
  {
    name: 'QLinearSigmoid',
    op: 'QLinearSigmoid',
    inputs: [codes('u8', [300]), real(0.06), code('u8', 120), real(1 / 256), code('u8', 0)],
  },
  {
    name: 'QLinearLeakyRelu',
    op: 'QLinearLeakyRelu',
    inputs: [codes('i8', [300]), real(0.06), code('i8', 3), real(0.05), code('i8', -20)],
    attributes: { alpha: 0.3 },
  },
  {
    name: 'QLinearAveragePool',
    op: 'QLinearAveragePool',
    inputs: [codes('u8', [1, 3, 6, 5]), real(0.06), code('u8', 120), real(0.05), code('u8', 100)],
    attributes: { kernel_shape: [3, 2], pads: [1, 0, 1, 1], strides: [2, 1] },
  },
  {
    name: 'QLinearGlobalAveragePool, channels last',
    op: 'QLinearGlobalAveragePool',
    inputs: [codes('u8', [2, 4, 5, 3]), real(0.06), code('u8', 120), real(0.02), code('u8', 100)],
    attributes: { channels_last: 1 },
  },
  {
    name: 'QLinearSoftmax',
    op: 'QLinearSoftmax',
    inputs: [codes('u8', [4, 10]), real(0.06), code('u8', 120), real(1 / 256), code('u8', 0)],
    attributes: { axis: -1, opset: 13 },
  },
  {
    name: 'QLinearConcat',
    op: 'QLinearConcat',
    inputs: [
      real(0.1),
      code('u8', 90),
      codes('u8', [2, 3]),
      real(0.06),
      code('u8', 12),
      codes('u8', [2, 2]),
      real(0.11),
      code('u8', 0),
    ],
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
