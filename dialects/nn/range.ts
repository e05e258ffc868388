import {
  addDim,
  attr,
  type Dim,
  defineOp,
  expressed,
  floorDivDim,
  isScalarType,
  type OnnxNode,
  subDim,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { DType, HostTensor } from '../../src/support/tensor.ts';
import { fromNumbers, toF64 } from './elements.ts';

export const range = defineOp({
  name: 'nn.range',
  summary: 'y[i] = start + i·step for i below size.',
  operands: {},
  attributes: { start: attr.dims(), step: attr.float(1), size: attr.dims(), element: attr.string('i64') },
  infer(_, { size, element }) {
    if (!isScalarType(element)) throw new QcError({ what: `'${element}' is no element type` });
    return tensor(size, element);
  },
  evaluate(_, { start, step, size, element }) {
    const [first, count] = [start[0] as number, size[0] as number];
    if (!(count >= 0))
      throw new QcError({ what: `a range of ${count} elements`, help: 'check the shapes of the inputs' });
    const values = Float64Array.from({ length: count }, (_unused, i) => first + i * step);
    return fromNumbers(element as DType, [count], values);
  },
  lower: { kind: 'template', template: 'range' },
  onnx: [{ op: 'Range', program: 'yes; one that data decide in integers, and needs bounds', build: importRange }],
  toOnnx(writer, _operands, { start, step, size }, op) {
    const [[first = 0], [count = 0]] = [writer.sizes(start), writer.sizes(size)];
    const numbers = [first, first + count * step, step];
    return writer.node(
      'Range',
      numbers.map((value) => writer.scalar(value, op.result.type as TensorType)),
    );
  },
});

export const rangeOf = defineOp({
  name: 'nn.range_of',
  summary: 'y[i] = start + i·step, as many as lie before the limit.',
  operands: { start: 'required', limit: 'required', step: 'required' },
  attributes: {
    /** How many there are: a symbol that the data decides. */
    count: attr.dims(),
    /** The most that there can be. */
    most: attr.dims([]),
  },
  dataDependent: true,
  infer: ({ start }, { count }) => tensor(count, expressed(start.element)),
  evaluate({ start, limit, step }): HostTensor {
    const [first, end, by] = [start, limit, step].map((x) => toF64(x)[0] as number) as [number, number, number];
    const count = Math.max(0, Math.ceil((end - first) / by));
    if (by === 0 || !(count <= longest)) {
      throw new QcError({
        what: `a range from ${first} to ${end} by ${by}`,
        why: `it must end, after ${longest} elements at most`,
        help: 'check the inputs of the model',
      });
    }
    const values = Float64Array.from({ length: count }, (_, i) => first + i * by);
    return fromNumbers(start.dtype, [count], values);
  },
  lower: { kind: 'template', template: 'range_of' },
});

function importRange(node: OnnxNode): Value {
  const element = (node.input(0).type as TensorType).element;
  // Bounds of integers may be sizes of inputs.
  const isCounted = (element === 'i64' || element === 'i32') && node.constant(2) && node.isKnown(0) && node.isKnown(1);
  if (!isCounted) {
    const operands = { start: node.input(0), limit: node.input(1), step: node.input(2) };
    return node.create(rangeOf, operands, { count: [node.freshDim('size')] }).result;
  }
  const [step = 0] = node.constantNumbers(2) ?? [];
  if (step === 0) return node.refuse('a step of 0', 'a range must end');
  const [start] = node.dims(0) ?? [];
  const [limit] = node.dims(1) ?? [];
  if (start === undefined || limit === undefined) return node.refuse('bounds that are no integers');
  const size = rangeSize(node, start, limit, step);
  return node.create(range, {}, { start: [start], step, size: [size], element }).result;
}

/** Most elements of a range. */
const longest = 2 ** 27;

function rangeSize(node: OnnxNode, start: Dim, limit: Dim, step: number): Dim {
  const length = subDim(limit, start);
  if (typeof length !== 'number') {
    if (step < 1) return node.refuse('a falling range whose bounds are not known');
    return floorDivDim(addDim(length, step - 1), step);
  }
  const count = Math.max(0, Math.ceil(length / step));
  return count <= longest ? count : node.refuse(`a range of ${count} elements`);
}
