import {
  attr,
  type Dim,
  defineOp,
  floorDivDim,
  type OnnxNode,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { moveQuantAxis, normalAxes, normalAxis, product } from './axes.ts';
import { reshaped } from './strided.ts';

export const reshape = defineOp({
  name: 'nn.reshape',
  summary: 'The same elements in row-major order under another shape.',
  operands: { x: 'required' },
  attributes: { shape: attr.dims() },
  typing: 'moves',
  infer({ x }, { shape }) {
    const [from, to] = [product(x.shape), product(shape)];
    if (typeof from === 'number' && typeof to === 'number' && from !== to) throw misfit(x.shape, shape);
    return tensor(
      shape,
      moveQuantAxis(x, (axis) => survivingAxis(axis, x.shape, shape)),
    );
  },
  evaluate({ x }, { shape }) {
    if (elementCount(shape as number[]) !== x.data.length) throw misfit(x.shape, shape);
    return reshaped(x, shape as number[]);
  },
  lower: { kind: 'alias' },
  onnx: [
    { op: 'Reshape', since: 5, build: importReshape },
    {
      op: 'Reshape',
      until: 4,
      build(node): Value {
        const x = node.input(0);
        return node.create(reshape, { x }, { shape: target(node, shapeOf(x), node.ints('shape'), false) }).result;
      },
    },
    { op: 'Flatten', build: importFlatten },
    { op: 'Squeeze', build: importSqueeze },
    { op: 'Unsqueeze', build: importUnsqueeze },
  ],
  toOnnx: (writer, { x }, { shape }) =>
    writer.node('Reshape', [x, writer.ints(writer.sizes(shape))], { int: { allowzero: 1 } }),
});

function misfit(from: readonly Dim[], to: readonly Dim[]): QcError {
  return new QcError({
    what: `the shape [${from.join(', ')}] cannot become [${to.join(', ')}]`,
    why: `they have ${product(from)} and ${product(to)} elements`,
    help: 'check the shapes of the inputs and of the model',
  });
}

/** Where an axis is after a reshape that keeps its size and what lies before it. */
function survivingAxis(axis: number, from: readonly Dim[], to: readonly Dim[]): number | undefined {
  const before = product(from.slice(0, axis));
  const found = to.findIndex((dim, i) => dim === from[axis] && product(to.slice(0, i)) === before);
  return found < 0 ? undefined : found;
}

const shapeOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;

function importReshape(node: OnnxNode): Value {
  const x = node.input(0);
  const wanted = node.dims(1);
  if (!wanted) return node.refuse('no shape input');
  const allowZero = node.opset >= 14 && node.int('allowzero', 0) !== 0;
  return node.create(reshape, { x }, { shape: target(node, shapeOf(x), wanted, allowZero) }).result;
}

/** A requested shape with 0 (that of the input) and −1 (what is left) filled in. */
function target(node: OnnxNode, from: readonly Dim[], wanted: readonly Dim[], allowZero: boolean): Dim[] {
  const dims = wanted.map((dim, i) => {
    if (dim !== 0 || allowZero) return dim;
    return (
      from[i] ?? node.refuse(`a 0 at place ${i} of the shape [${wanted.join(', ')}]`, 'the input has no such axis')
    );
  });
  const open = dims.indexOf(-1);
  if (dims.some((dim, i) => typeof dim === 'number' && dim < 0 && i !== open)) {
    return node.refuse(`the shape [${wanted.join(', ')}]`, 'one dimension at most may be −1');
  }
  if (open < 0) return dims;
  const known = product(dims.filter((_, i) => i !== open));
  const total = product(from);
  if (known === 0 || (typeof known === 'number' && typeof total === 'number' && total % known !== 0)) {
    throw misfit(from, wanted);
  }
  return dims.with(open, floorDivDim(total, known));
}

function importFlatten(node: OnnxNode): Value {
  const x = node.input(0);
  const shape = shapeOf(x);
  const axis = node.int('axis', 1);
  const at = axis === shape.length ? axis : normalAxis(axis, shape.length);
  return node.create(reshape, { x }, { shape: [product(shape.slice(0, at)), product(shape.slice(at))] }).result;
}

const axesOf = (node: OnnxNode) =>
  node.opset >= 13 ? node.constantNumbers(1) : node.hasAttribute('axes') ? node.ints('axes') : undefined;

function importSqueeze(node: OnnxNode): Value {
  const x = node.input(0);
  const shape = shapeOf(x);
  const given = axesOf(node);
  const axes = given ? normalAxes(given, shape.length) : shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
  const wrong = axes.find((axis) => typeof shape[axis] === 'number' && shape[axis] !== 1);
  if (wrong !== undefined)
    return node.refuse(`axis ${wrong} of [${shape.join(', ')}]`, 'only an axis of size 1 vanishes');
  return node.create(reshape, { x }, { shape: shape.filter((_, i) => !axes.includes(i)) }).result;
}

function importUnsqueeze(node: OnnxNode): Value {
  const x = node.input(0);
  const given = axesOf(node) ?? node.refuse('no axes');
  const rank = shapeOf(x).length + given.length;
  const axes = new Set(normalAxes(given, rank));
  const rest = [...shapeOf(x)];
  const shape = Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.shift() as Dim)));
  return node.create(reshape, { x }, { shape }).result;
}
