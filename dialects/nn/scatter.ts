import {
  attr,
  defineOp,
  expressed,
  type OnnxMapping,
  type OnnxNode,
  type TensorType,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { normalAxis } from './axes.ts';
import { commonElement } from './broadcast.ts';
import { checkBeside, placesAlong } from './gatherElements.ts';
import { indexDepth, slicePlaces } from './gatherNd.ts';

const reductions = ['none', 'add', 'mul', 'min', 'max'] as const;
type Reduction = (typeof reductions)[number];

/** What an update makes of an element; numbers and 64-bit integers alike. */
const combine: Record<Reduction, (old: number, update: number) => number> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  min: (old, update) => (update < old || Number.isNaN(update) ? update : old),
  max: (old, update) => (update > old || Number.isNaN(update) ? update : old),
};

/** x with `size` elements from each place on combined with the updates, in their order. */
function scatterInto(
  x: HostTensor,
  updates: HostTensor,
  places: Int32Array,
  size: number,
  reduction: Reduction,
): HostTensor {
  const data = x.data.slice() as Float64Array;
  const from = updates.data as Float64Array;
  const apply = combine[reduction];
  places.forEach((place, i) => {
    for (let k = 0; k < size; k++) data[place + k] = apply(data[place + k] as number, from[i * size + k] as number);
  });
  return { dtype: x.dtype, shape: x.shape, data };
}

export const scatterElements = defineOp({
  name: 'nn.scatter_elements',
  summary: 'x with updates[i, j, …] put (or added, …) at x[i, indices[i, j, …], …] along one axis.',
  operands: { x: 'required', indices: 'required', updates: 'required' },
  attributes: { axis: attr.int(0), reduction: attr.oneOf(reductions, 'none') },
  infer({ x, indices, updates }, { axis }) {
    normalAxis(axis, x.shape.length);
    checkBeside(x, indices);
    checkSame(indices, updates);
    return withElement(x, commonElement([x, updates]));
  },
  evaluate: ({ x, indices, updates }, { axis, reduction }) =>
    scatterInto(x, updates, placesAlong(indices, x.shape, normalAxis(axis, x.shape.length)), 1, reduction),
  lower: { kind: 'template', template: 'scatter_elements' },
  onnx: [
    { op: 'ScatterElements', build: importScatter },
    { op: 'Scatter', build: importScatter },
  ],
  toOnnx: (writer, { x, indices, updates }, { axis, reduction }) =>
    writer.node('ScatterElements', [x, indices, updates], { int: { axis }, string: { reduction } }),
});

function checkSame(indices: TensorType, updates: TensorType): void {
  const differs = (i: number) =>
    typeof indices.shape[i] === 'number' &&
    typeof updates.shape[i] === 'number' &&
    indices.shape[i] !== updates.shape[i];
  if (indices.shape.length === updates.shape.length && !indices.shape.some((_, i) => differs(i))) return;
  throw new QcError({
    what: `updates of [${updates.shape.join(', ')}] with indices of [${indices.shape.join(', ')}]`,
    why: 'each update needs its index',
    help: 'export the model again',
  });
}

function importScatter(node: OnnxNode): Value {
  const operands = { x: node.input(0), indices: node.input(1), updates: node.input(2) };
  const axis = normalAxis(node.int('axis', 0), (operands.x.type as TensorType).shape.length);
  return node.create(scatterElements, operands, { axis, reduction: reductionOf(node) }).result;
}

function reductionOf(node: OnnxNode): Reduction {
  const reduction = node.opset >= 16 ? node.string('reduction', 'none') : 'none';
  const known = reductions.find((name) => name === reduction);
  return known ?? node.refuse(`reduction '${reduction}'`);
}

export const scatterNd = defineOp({
  name: 'nn.scatter_nd',
  summary: 'x with slices put (or added, …) where index vectors say.',
  operands: { x: 'required', indices: 'required', updates: 'required' },
  attributes: { reduction: attr.oneOf(reductions, 'none') },
  infer({ x, indices, updates }) {
    const depth = indexDepth(x.shape, indices.shape);
    const rank = indices.shape.length - 1 + x.shape.length - depth;
    if (updates.shape.length !== rank) {
      throw new QcError({
        what: `updates of [${updates.shape.join(', ')}] for indices of [${indices.shape.join(', ')}]`,
        why: `they must have ${rank} axes`,
        help: 'export the model again',
      });
    }
    return withElement(x, expressed(x.element));
  },
  evaluate({ x, indices, updates }, { reduction }) {
    const depth = indexDepth(x.shape, indices.shape);
    const size = elementCount(x.shape.slice(depth));
    const places = slicePlaces(indices, x.shape, depth);
    if (updates.data.length !== places.length * size) {
      throw new QcError({ what: `${updates.data.length} updates for ${places.length * size} elements` });
    }
    return scatterInto(x, updates, places, size, reduction);
  },
  lower: { kind: 'template', template: 'scatter_nd' },
  onnx: [
    {
      op: 'ScatterND',
      build(node): Value {
        const operands = { x: node.input(0), indices: node.input(1), updates: node.input(2) };
        return node.create(scatterNd, operands, { reduction: reductionOf(node) }).result;
      },
    },
  ] satisfies OnnxMapping[],
  toOnnx: (writer, { x, indices, updates }, { reduction }) =>
    writer.node('ScatterND', [x, indices, updates], { string: { reduction } }),
});
