import {
  type AxisIndex,
  addDim,
  attr,
  type Dim,
  defineOp,
  mulDim,
  type OnnxNode,
  subDim,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { moveQuantAxis, normalAxes, normalAxis } from './axes.ts';
import { sliceRange } from './sliceRange.ts';
import { readStrided, rowMajorStrides } from './strided.ts';

export const slice = defineOp({
  name: 'nn.slice',
  summary: 'Element i of each axis is element start + i·step of x; steps may be negative.',
  operands: { x: 'required' },
  attributes: { starts: attr.dims(), steps: attr.ints(), sizes: attr.dims() },
  typing: 'moves',
  infer({ x }, { starts, steps, sizes }) {
    checkSlice(x.shape, starts, steps, sizes);
    const moved = moveQuantAxis(x, (axis) => (sizes[axis] === x.shape[axis] && steps[axis] === 1 ? axis : undefined));
    return tensor(sizes, moved, x.layout);
  },
  evaluate({ x }, { starts, steps, sizes }) {
    checkSlice(x.shape, starts, steps, sizes);
    const strides = rowMajorStrides(x.shape);
    const offset = strides.reduce((sum, stride, i) => sum + stride * (starts[i] as number), 0);
    return readStrided(
      x,
      sizes as number[],
      strides.map((stride, i) => stride * (steps[i] as number)),
      offset,
    );
  },
  lower: {
    kind: 'view',
    index(op): AxisIndex[] {
      const { starts, steps } = slice.attributesOf(op);
      return starts.map((start, axis) => ({ axis, stride: steps[axis] as number, offset: start }));
    },
  },
  onnx: [
    {
      op: 'Slice',
      until: 9,
      build: (node): Value => importSlice(node, node.ints('starts'), node.ints('ends'), optionalAxes(node), undefined),
    },
    { op: 'Split', build: importSplit },
  ],
  toOnnx(writer, { x }, { starts, steps, sizes }) {
    const [from, counts] = [writer.sizes(starts), writer.sizes(sizes)];
    const ends = from.map((start, i) => {
      const end = start + (counts[i] as number) * (steps[i] as number);
      // A negative end would count from the back.
      return end < 0 ? -(2 ** 31) : end;
    });
    const axes = from.map((_, i) => i);
    return writer.node('Slice', [x, ...[from, ends, axes, steps].map((list) => writer.ints(list))]);
  },
});

const optionalAxes = (node: OnnxNode) => (node.hasAttribute('axes') ? node.ints('axes') : undefined);

/** Refuses a slice that leaves the operand, as far as sizes are known. @throws QcError */
function checkSlice(
  shape: readonly Dim[],
  starts: readonly Dim[],
  steps: readonly number[],
  sizes: readonly Dim[],
): void {
  const rank = shape.length;
  if (starts.length !== rank || steps.length !== rank || sizes.length !== rank) {
    throw new QcError({
      what: `a slice of ${sizes.length} axes of [${shape.join(', ')}]`,
      why: 'every axis needs one',
    });
  }
  shape.forEach((dim, i) => {
    const [start, step, size] = [starts[i], steps[i] as number, sizes[i]];
    if (typeof dim !== 'number' || typeof start !== 'number' || typeof size !== 'number' || size === 0) return;
    const last = start + (size - 1) * step;
    if (size > 0 && step !== 0 && Math.min(start, last) >= 0 && Math.max(start, last) < dim) return;
    throw new QcError({
      what: `elements ${start} to ${last} of an axis with ${dim} elements`,
      why: 'the slice leaves the tensor',
      help: 'check the shapes of the inputs and of the model',
    });
  });
}

/** A slice of an ONNX node's first input. @throws QcError where the bounds do not fit it, or cannot be said of symbols */
export function importSlice(
  node: OnnxNode,
  starts: readonly Dim[],
  ends: readonly Dim[],
  givenAxes: readonly number[] | undefined,
  givenSteps: readonly number[] | undefined,
): Value {
  const x = node.input(0);
  const { shape } = x.type as TensorType;
  const axes = normalAxes(givenAxes ?? starts.map((_, i) => i), shape.length);
  const count = starts.length;
  if (ends.length !== count || axes.length !== count || (givenSteps && givenSteps.length !== count)) {
    return node.refuse('starts, ends, axes and steps of different lengths');
  }
  const ranges = shape.map((dim) => ({ start: 0 as Dim, step: 1, size: dim }));
  axes.forEach((axis, i) => {
    const step = givenSteps?.[i] ?? 1;
    if (step === 0) node.refuse('a step of 0');
    const range = sliceRange(shape[axis] as Dim, starts[i] as Dim, ends[i] as Dim, step);
    ranges[axis] =
      range ?? node.refuse(`a slice from ${starts[i]} to ${ends[i]} by ${step} of the dimension ${shape[axis]}`);
  });
  if (ranges.every(({ start, step, size }, i) => start === 0 && step === 1 && size === shape[i])) return x;
  const attributes = {
    starts: ranges.map((r) => r.start),
    steps: ranges.map((r) => r.step),
    sizes: ranges.map((r) => r.size),
  };
  return node.create(slice, { x }, attributes).result;
}

function importSplit(node: OnnxNode): Value[] {
  const x = node.input(0);
  const { shape } = x.type as TensorType;
  const axis = normalAxis(node.int('axis', 0), shape.length);
  const sizes = splitSizes(node, shape[axis] as Dim);
  let start: Dim = 0;
  return sizes.map((size) => {
    const attributes = {
      starts: shape.map((_, i) => (i === axis ? start : 0)),
      steps: shape.map(() => 1),
      sizes: shape.with(axis, size),
    };
    start = addDim(start, size);
    return node.create(slice, { x }, attributes).result;
  });
}

function splitSizes(node: OnnxNode, size: Dim): readonly Dim[] {
  const attribute = node.opset < 13 && node.hasAttribute('split') ? node.ints('split') : undefined;
  const given = attribute ?? (node.opset < 2 || node.opset >= 13 ? node.dims(1) : undefined);
  if (given) {
    const total = given.reduce(addDim, 0);
    if (typeof total === 'number' && typeof size === 'number' && total !== size) {
      return node.refuse(`parts [${given.join(', ')}] of a dimension of ${size}`, 'they must sum to it');
    }
    return given;
  }
  const parts = node.opset >= 18 && node.hasAttribute('num_outputs') ? node.int('num_outputs') : node.outputCount;
  if (typeof size !== 'number') return node.refuse(`an even split of the dimension ${size} that is not known`);
  const chunk = Math.ceil(size / parts);
  const last = subDim(size, mulDim(chunk, parts - 1));
  if (typeof last === 'number' && last < 0) return node.refuse(`${parts} parts of a dimension of ${size}`);
  return Array.from({ length: parts }, (_, i) => (i === parts - 1 ? last : chunk));
}
