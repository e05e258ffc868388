import { add, mul } from '../../../dialects/nn/binary.ts';
import { poolingMappings } from '../../../dialects/nn/composed/pooling.ts';
import { concat } from '../../../dialects/nn/concat.ts';
import { reduceMean } from '../../../dialects/nn/reduce.ts';
import { softmax } from '../../../dialects/nn/softmax.ts';
import { transpose } from '../../../dialects/nn/transpose.ts';
import { leakyRelu, sigmoid } from '../../../dialects/nn/unary.ts';
import type { OnnxMapping, OnnxNode, Value } from '../../ir/index.ts';
import { castTo, dequantize, elementOf, quantize, typeOf } from './linear.ts';
import { buildAs, integerProduct, linearAt } from './qlinear.ts';
import { quantizeDynamically } from './quantizeLinear.ts';

// Operators of onnxruntime on codes: dequantize, the operator on real numbers, quantize.

const domain = 'com.microsoft';

/** X(scale, zero point), Y's scale and zero point. */
function importUnary(node: OnnxNode, f: (x: Value) => Value): Value {
  const codes = node.input(0);
  return quantize(node, f(dequantize(node, codes, linearAt(node, 1))), linearAt(node, 3), elementOf(codes));
}

/** A(scale, zero point), B(scale, zero point), C's scale and zero point. */
function importBinary(node: OnnxNode, f: (a: Value, b: Value) => Value): Value {
  const [a, b] = [node.input(0), node.input(3)];
  const y = f(dequantize(node, a, linearAt(node, 1)), dequantize(node, b, linearAt(node, 4)));
  return quantize(node, y, linearAt(node, 6), elementOf(a));
}

/** Runs an operator on [N, C, spatial…] where the node may have its channels last. */
function channelsFirst(node: OnnxNode, x: Value, f: (x: Value) => Value): Value {
  if (node.int('channels_last', 0) === 0) return f(x);
  const axes = typeOf(x).shape.map((_, i) => i);
  const [batch = 0, ...rest] = axes;
  const first = node.create(transpose, { x }, { perm: [batch, axes.length - 1, ...rest.slice(0, -1)] }).result;
  const perm = [batch, ...rest.slice(1), 1];
  return node.create(transpose, { x: f(first) }, { perm }).result;
}

function globalAverage(node: OnnxNode, x: Value): Value {
  const axes = typeOf(x)
    .shape.map((_, i) => i)
    .slice(2);
  return node.create(reduceMean, { x }, { axes, keepdims: true }).result;
}

function importSoftmax(node: OnnxNode): Value {
  const opset = node.int('opset', 13);
  return importUnary(node, (x) => buildAs(node, softmax.onnx, 'Softmax', [x], opset));
}

/** Y's scale and zero point, then each tensor with its own. */
function importConcat(node: OnnxNode): Value {
  const y = linearAt(node, 0);
  const count = Math.floor((node.inputCount - 2) / 3);
  if (count < 1 || node.inputCount !== 2 + 3 * count) return node.refuse(`${node.inputCount} inputs`);
  const at = Array.from({ length: count }, (_, i) => 2 + 3 * i);
  const xs = at.map((i) => dequantize(node, node.input(i), linearAt(node, i + 1)));
  return quantize(node, buildAs(node, concat.onnx, 'Concat', xs), y, elementOf(node.input(2)));
}

/** A sum of products of codes as a real number: scaled, and a bias added. */
function scaledProduct(node: OnnxNode, sum: Value, scales: readonly Value[], bias: Value | undefined): Value {
  const scale = scales.reduce((a, b) => node.create(mul, { a, b }).result);
  const y = node.create(mul, { a: castTo(node, sum, elementOf(scale)), b: scale }).result;
  return bias ? node.create(add, { a: y, b: bias }).result : y;
}

function importMatMulIntegerToFloat(node: OnnxNode): Value {
  const [a, b] = [node.input(0), node.input(1)];
  const sum = integerProduct(node, a, b, node.optionalInput(4), node.optionalInput(5));
  return scaledProduct(node, sum, [node.input(2), node.input(3)], node.optionalInput(6));
}

function importDynamicQuantizeMatMul(node: OnnxNode): Value {
  const [codes, scale, zeroPoint] = quantizeDynamically(node, node.input(0));
  const sum = integerProduct(node, codes, node.input(1), zeroPoint, node.optionalInput(3));
  return scaledProduct(node, sum, [scale, node.input(2)], node.optionalInput(4));
}

const unary = (op: string, f: (node: OnnxNode, x: Value) => Value): OnnxMapping => ({
  op,
  domain,
  build: (node): Value => importUnary(node, (x) => f(node, x)),
});

export const qlinearContribMappings: readonly OnnxMapping[] = [
  { op: 'QLinearAdd', domain, build: (node): Value => importBinary(node, (a, b) => node.create(add, { a, b }).result) },
  { op: 'QLinearMul', domain, build: (node): Value => importBinary(node, (a, b) => node.create(mul, { a, b }).result) },
  unary('QLinearSigmoid', (node, x) => node.create(sigmoid, { x }).result),
  unary('QLinearLeakyRelu', (node, x) => buildAs(node, leakyRelu.onnx, 'LeakyRelu', [x])),
  unary('QLinearAveragePool', (node, x) =>
    channelsFirst(node, x, (first) => buildAs(node, poolingMappings, 'AveragePool', [first])),
  ),
  unary('QLinearGlobalAveragePool', (node, x) => channelsFirst(node, x, (first) => globalAverage(node, first))),
  { op: 'QLinearSoftmax', domain, build: importSoftmax },
  { op: 'QLinearConcat', domain, build: importConcat },
  { op: 'MatMulIntegerToFloat', domain, build: importMatMulIntegerToFloat },
  { op: 'DynamicQuantizeMatMul', domain, build: importDynamicQuantizeMatMul },
];
