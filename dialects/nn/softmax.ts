import {
  attr,
  type Dim,
  defineOp,
  expressed,
  type OnnxNode,
  type TensorType,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { normalAxis, product } from './axes.ts';
import { sub } from './binary.ts';
import { real, toF64 } from './elements.ts';
import { reduceMax, reduceSum } from './reduce.ts';
import { reshape } from './reshape.ts';
import { exp, log } from './unary.ts';

export const softmax = defineOp({
  name: 'nn.softmax',
  summary: 'y = e^(x − max x) / Σ e^(x − max x) along one axis.',
  operands: { x: 'required' },
  attributes: { axis: attr.int() },
  infer({ x }, { axis }) {
    normalAxis(axis, x.shape.length);
    return withElement(x, expressed(x.element));
  },
  evaluate({ x }, { axis }) {
    const at = normalAxis(axis, x.shape.length);
    const size = x.shape[at] as number;
    const step = elementCount(x.shape.slice(at + 1));
    const values = toF64(x);
    const y = new Float64Array(values.length);
    for (let start = 0; start < values.length; start += size * step) {
      for (let i = 0; i < step; i++) softmaxRow(values, y, start + i, size, step);
    }
    return real(x.shape, y);
  },
  lower: { kind: 'template', template: 'softmax' },
  onnx: [
    { op: 'Softmax', until: 12, build: (node): Value => flattened(node, (x, axis) => plainSoftmax(node, x, axis)) },
    { op: 'Softmax', since: 13, build: (node): Value => plainSoftmax(node, node.input(0), node.int('axis', -1)) },
    { op: 'LogSoftmax', until: 12, build: (node): Value => flattened(node, (x, axis) => logSoftmax(node, x, axis)) },
    { op: 'LogSoftmax', since: 13, build: (node): Value => logSoftmax(node, node.input(0), node.int('axis', -1)) },
  ],
  toOnnx: (writer, { x }, { axis }) => writer.node('Softmax', [x], { int: { axis } }),
});

/** Softmax of `size` elements of x from `start` on, `step` apart, into the same places of y. */
export function softmaxRow(x: Float64Array, y: Float64Array, start: number, size: number, step: number): void {
  const end = start + size * step;
  let top = -Infinity;
  for (let i = start; i < end; i += step) top = Math.max(top, x[i] as number);
  let sum = 0;
  for (let i = start; i < end; i += step) {
    const e = elementary.exp((x[i] as number) - top);
    y[i] = e;
    sum += e;
  }
  for (let i = start; i < end; i += step) y[i] = (y[i] as number) / sum;
}

const shapeOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;

function plainSoftmax(node: OnnxNode, x: Value, axis: number): Value {
  return node.create(softmax, { x }, { axis: normalAxis(axis, shapeOf(x).length) }).result;
}

/** x − max − ln Σ e^(x − max). */
function logSoftmax(node: OnnxNode, x: Value, axis: number): Value {
  const along = { axes: [normalAxis(axis, shapeOf(x).length)], keepdims: true };
  const top = node.create(reduceMax, { x }, along).result;
  const centred = node.create(sub, { a: x, b: top }).result;
  const total = node.create(reduceSum, { x: node.create(exp, { x: centred }).result }, along).result;
  return node.create(sub, { a: centred, b: node.create(log, { x: total }).result }).result;
}

/** Before version 13 the axes from `axis` on count as one. */
function flattened(node: OnnxNode, build: (x: Value, axis: number) => Value): Value {
  const x = node.input(0);
  const shape = shapeOf(x);
  const axis = normalAxis(node.int('axis', 1), shape.length);
  if (axis === shape.length - 1) return build(x, axis);
  const matrix = [product(shape.slice(0, axis)), product(shape.slice(axis))];
  const flat = node.create(reshape, { x }, { shape: matrix }).result;
  return node.create(reshape, { x: build(flat, 1) }, { shape }).result;
}
