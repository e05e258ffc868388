import {
  attr,
  defineOp,
  expressed,
  type OnnxNode,
  type TensorType,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { normalAxis } from './axes.ts';
import { add, mul, sub } from './binary.ts';
import { cast } from './cast.ts';
import { real, toF64 } from './elements.ts';
import { reduceMean } from './reduce.ts';
import { reshape } from './reshape.ts';
import { reciprocal, sqrt } from './unary.ts';

/** The normalization alone; scale and bias are a product and a sum after it. */
export const normalize = defineOp({
  name: 'nn.normalize',
  summary:
    'y = (x − mean) / √(variance + epsilon) over the axes from `axis` on; without `center`, x / √(mean of x² + epsilon).',
  operands: { x: 'required' },
  attributes: { axis: attr.int(-1), epsilon: attr.float(Math.fround(1e-5)), center: attr.bool(true) },
  infer({ x }, { axis }) {
    normalAxis(axis, x.shape.length);
    return withElement(x, expressed(x.element));
  },
  evaluate({ x }, { axis, epsilon, center }) {
    const size = elementCount(x.shape.slice(normalAxis(axis, x.shape.length)));
    const values = toF64(x);
    const y = new Float64Array(values.length);
    for (let start = 0; start < values.length; start += size) normalizeRow(values, y, start, size, epsilon, center);
    return real(x.shape, y);
  },
  lower: { kind: 'template', template: 'normalize' },
  onnx: [
    { op: 'LayerNormalization', build: (node): Value[] => scaled(node, true) },
    { op: 'RMSNormalization', build: (node): Value[] => scaled(node, false) },
    { op: 'InstanceNormalization', build: importInstanceNorm },
  ],
  toOnnx(writer, { x }, { axis, epsilon, center }, op) {
    const type = op.operand(0).type as TensorType;
    const at = normalAxis(axis, type.shape.length);
    if (center) {
      const shape = writer.sizes(type.shape.slice(at));
      const ones = writer.node('Expand', [writer.scalar(1, type), writer.ints(shape)]);
      return writer.node('LayerNormalization', [x, ones], { int: { axis: at }, float: { epsilon } });
    }
    // RMSNormalization is younger than what most runtimes know.
    const axes = writer.ints(type.shape.slice(at).map((_, i) => at + i));
    const power = writer.node('ReduceMean', [writer.node('Mul', [x, x]), axes], { int: { keepdims: 1 } });
    const root = writer.node('Sqrt', [writer.node('Add', [power, writer.scalar(epsilon, type)])]);
    return writer.node('Div', [x, root]);
  },
});

function normalizeRow(
  x: Float64Array,
  y: Float64Array,
  start: number,
  size: number,
  epsilon: number,
  center: boolean,
): void {
  let mean = 0;
  if (center) {
    for (let i = start; i < start + size; i++) mean += x[i] as number;
    mean /= size;
  }
  let power = 0;
  for (let i = start; i < start + size; i++) power += ((x[i] as number) - mean) ** 2;
  const factor = 1 / Math.sqrt(power / size + epsilon);
  for (let i = start; i < start + size; i++) y[i] = ((x[i] as number) - mean) * factor;
}

function scaled(node: OnnxNode, center: boolean): Value[] {
  const x = node.input(0);
  // The precision of the sums: evaluation is in f64, kernels in f32.
  node.int('stash_type', 1);
  const axis = normalAxis(node.int('axis', -1), (x.type as TensorType).shape.length);
  const epsilon = node.float('epsilon', Math.fround(1e-5));
  const normal = node.create(normalize, { x }, { axis, epsilon, center }).result;
  const product = node.create(mul, { a: normal, b: node.input(1) }).result;
  const bias = center ? node.optionalInput(2) : undefined;
  const y = bias ? node.create(add, { a: product, b: bias }).result : product;
  return node.outputCount < 2 ? [y] : [y, ...statistics(node, x, axis, epsilon)];
}

/** Mean and 1 / √(variance + epsilon) over the axes from `axis` on. */
function statistics(node: OnnxNode, x: Value, axis: number, epsilon: number): Value[] {
  const rank = (x.type as TensorType).shape.length;
  const over = { axes: Array.from({ length: rank - axis }, (_, i) => axis + i), keepdims: true };
  const mean = node.create(reduceMean, { x }, over).result;
  const centred = node.create(sub, { a: x, b: mean }).result;
  const variance = node.create(reduceMean, { x: node.create(mul, { a: centred, b: centred }).result }, over).result;
  const small = node.createConstant({ dtype: 'f32', shape: [], data: Float32Array.of(epsilon) });
  const { element } = x.type as TensorType;
  const b = element === 'f32' ? small : node.create(cast, { x: small }, { to: expressed(element) }).result;
  const root = node.create(sqrt, { x: node.create(add, { a: variance, b }).result }).result;
  return [mean, node.create(reciprocal, { x: root }).result];
}

/** Each channel of each sample over its spatial axes. */
function importInstanceNorm(node: OnnxNode): Value {
  const x = node.input(0);
  const { shape } = x.type as TensorType;
  if (shape.length < 3) return node.refuse(`an input of rank ${shape.length}`);
  const epsilon = node.float('epsilon', Math.fround(1e-5));
  const normal = node.create(normalize, { x }, { axis: 2, epsilon, center: true }).result;
  const perChannel = (parameter: Value): Value => {
    const spread = [...(parameter.type as TensorType).shape, ...shape.slice(2).map(() => 1)];
    return node.create(reshape, { x: parameter }, { shape: spread }).result;
  };
  const product = node.create(mul, { a: normal, b: perChannel(node.input(1)) }).result;
  return node.create(add, { a: product, b: perChannel(node.input(2)) }).result;
}
