import { mul, sub } from '../../../dialects/nn/binary.ts';
import { conv } from '../../../dialects/nn/conv.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import type { OnnxMapping, OnnxNode, Value } from '../../ir/index.ts';
import { castTo, dequantize, elementOf, type Linear, quantize, typeOf } from './linear.ts';

/** What another operator's mapping makes of inputs in place of the node's own. */
export function buildAs(
  node: OnnxNode,
  mappings: readonly OnnxMapping[],
  operator: string,
  inputs: readonly (Value | undefined)[],
  opset = 20,
): Value {
  const mapping = mappings.find(
    ({ op, since = 1, until = Infinity }) => op === operator && since <= opset && opset <= until,
  );
  const built = mapping?.build(node.withInputs(inputs, opset)) ?? node.refuse(`there is no ${operator}`);
  return Array.isArray(built) ? (built[0] as Value) : (built as Value);
}

/** Inputs `i` and `i + 1`: a scale and a zero point. */
export function linearAt(node: OnnxNode, i: number, axis = 0): Linear {
  return { scale: node.input(i), zeroPoint: node.optionalInput(i + 1), axis, blockSize: 0 };
}

/** The type of codes that a zero point has; without one, unsigned bytes. */
const storageAt = ({ zeroPoint }: Linear) => (zeroPoint ? elementOf(zeroPoint) : 'u8');

/** x, w and y in 8 bits, the bias in steps of the product of the scales of x and w. */
function importQLinearConv(node: OnnxNode): Value {
  const [x, w, bias] = [node.input(0), node.input(3), node.optionalInput(8)];
  const [xLinear, wLinear, yLinear] = [linearAt(node, 1), linearAt(node, 4), linearAt(node, 6, 1)];
  const inputs = [dequantize(node, x, xLinear), dequantize(node, w, wLinear)];
  if (bias) {
    const channels = typeOf(w).shape[0] ?? 0;
    const scale = node.create(mul, { a: xLinear.scale, b: wLinear.scale }).result;
    const flat = typeOf(scale).shape.length === 0 ? node.create(reshape, { x: scale }, { shape: [1] }).result : scale;
    if (typeOf(bias).shape[0] !== channels) node.refuse(`a bias of [${typeOf(bias).shape}] for ${channels} channels`);
    inputs.push(dequantize(node, bias, { scale: flat, zeroPoint: undefined, axis: 0, blockSize: 0 }));
  }
  return quantize(node, buildAs(node, conv.onnx, 'Conv', inputs), yLinear, storageAt(yLinear));
}

/** The axis of the rows of a stack of matrices, or of its columns. */
function matrixAxis(value: Value, fromEnd: number): number {
  return Math.max(0, typeOf(value).shape.length - fromEnd);
}

function importQLinearMatMul(node: OnnxNode): Value {
  const [a, b] = [node.input(0), node.input(3)];
  const left = dequantize(node, a, flatParameters(node, 1, a, 2));
  const right = dequantize(node, b, flatParameters(node, 4, b, 1));
  const y = buildAs(node, matmul.onnx, 'MatMul', [left, right]);
  const linear = flatParameters(node, 6, y, 2);
  return quantize(node, y, linear, storageAt(linear));
}

/** Parameters of a matrix: one, or one for each row or column. Per-row lists of stacks come as [.., rows, 1]. */
function flatParameters(node: OnnxNode, i: number, of: Value, fromEnd: number): Linear {
  const linear = linearAt(node, i, matrixAxis(of, fromEnd));
  const flat = (value: Value): Value => {
    const { shape } = typeOf(value);
    if (shape.length < 2) return value;
    const many = shape.filter((dim) => dim !== 1);
    if (many.length > 1) return node.refuse(`parameters of the shape [${shape.join(', ')}]`);
    return node.create(reshape, { x: value }, { shape: many }).result;
  };
  return { ...linear, scale: flat(linear.scale), zeroPoint: linear.zeroPoint && flat(linear.zeroPoint) };
}

/** codes − zero point, as i32. `axis` is that of a list of zero points. */
export function centred(node: OnnxNode, codes: Value, zeroPoint: Value | undefined, axis: number): Value {
  const wide = castTo(node, codes, 'i32');
  if (!zeroPoint) return wide;
  const { shape } = typeOf(zeroPoint);
  const zero = castTo(node, zeroPoint, 'i32');
  const isList = shape.length === 1 && shape[0] !== 1;
  const trailing = typeOf(codes).shape.slice(axis + 1);
  const spread = isList
    ? node.create(reshape, { x: zero }, { shape: [...shape, ...trailing.map(() => 1)] }).result
    : zero;
  return node.create(sub, { a: wide, b: spread }).result;
}

function importConvInteger(node: OnnxNode): Value {
  const x = centred(node, node.input(0), node.optionalInput(2), 1);
  const w = centred(node, node.input(1), node.optionalInput(3), 0);
  return buildAs(node, conv.onnx, 'Conv', [x, w]);
}

/** Σ (a − za)·(b − zb) as i32; zero points run along the rows of a and the columns of b. */
export function integerProduct(node: OnnxNode, a: Value, b: Value, za?: Value, zb?: Value): Value {
  const left = centred(node, a, za, matrixAxis(a, 2));
  const right = centred(node, b, zb, matrixAxis(b, 1));
  return buildAs(node, matmul.onnx, 'MatMul', [left, right]);
}

export const qlinearMappings: readonly OnnxMapping[] = [
  { op: 'QLinearConv', build: importQLinearConv },
  { op: 'QLinearMatMul', build: importQLinearMatMul },
  { op: 'ConvInteger', build: importConvInteger },
  {
    op: 'MatMulInteger',
    build: (node): Value =>
      integerProduct(node, node.input(0), node.input(1), node.optionalInput(2), node.optionalInput(3)),
  },
];
