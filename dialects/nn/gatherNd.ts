import { attr, type Dim, defineOp, expressed, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { sameArray, toF64 } from './elements.ts';
import { checkedIndex } from './gather.ts';
import { rowMajorStrides } from './strided.ts';

/** How many leading axes of x one index vector names. @throws QcError when that is not known or too many. */
export function indexDepth(x: readonly Dim[], indices: readonly Dim[], batchDims = 0): number {
  const depth = indices.at(-1);
  if (typeof depth === 'number' && depth + batchDims <= x.length) return depth;
  throw new QcError({
    what: `indices of the shape [${indices.join(', ')}] on a tensor of [${x.join(', ')}]`,
    why: 'the last axis of the indices holds one index for each axis, and must be known',
    help: 'export the model again',
  });
}

/** For each index vector, the flat place of its slice. @throws QcError when one leaves the tensor. */
export function slicePlaces(indices: HostTensor, shape: readonly number[], depth: number, batchDims = 0): Int32Array {
  const values = toF64(indices);
  const strides = rowMajorStrides(shape).slice(batchDims, batchDims + depth);
  const sizes = shape.slice(batchDims, batchDims + depth);
  const count = elementCount(indices.shape.slice(0, -1));
  const perBatch = count / elementCount(indices.shape.slice(0, batchDims));
  const batchStep = elementCount(shape.slice(batchDims));
  return Int32Array.from({ length: count }, (_, i) =>
    strides.reduce(
      (place, stride, k) => place + checkedIndex(values[i * depth + k] as number, sizes[k] as number) * stride,
      Math.floor(i / perBatch) * batchStep,
    ),
  );
}

export const gatherNd = defineOp({
  name: 'nn.gather_nd',
  summary: 'The slices of x that index vectors name; the first batch axes belong together.',
  operands: { x: 'required', indices: 'required' },
  attributes: { batch_dims: attr.int(0) },
  infer({ x, indices }, { batch_dims }) {
    const depth = indexDepth(x.shape, indices.shape, batch_dims);
    return tensor([...indices.shape.slice(0, -1), ...x.shape.slice(batch_dims + depth)], expressed(x.element));
  },
  evaluate({ x, indices }, { batch_dims }): HostTensor {
    const depth = indexDepth(x.shape, indices.shape, batch_dims);
    const tail = x.shape.slice(batch_dims + depth);
    const size = elementCount(tail);
    const places = slicePlaces(indices, x.shape, depth, batch_dims);
    const data = sameArray(x, places.length * size) as Float64Array;
    const from = x.data as Float64Array;
    places.forEach((place, i) => {
      data.set(from.subarray(place, place + size), i * size);
    });
    return { dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...tail], data };
  },
  lower: { kind: 'template', template: 'gather_nd' },
  onnx: [
    {
      op: 'GatherND',
      build(node): Value {
        const batch_dims = node.opset >= 12 ? node.int('batch_dims', 0) : 0;
        return node.create(gatherNd, { x: node.input(0), indices: node.input(1) }, { batch_dims }).result;
      },
    },
  ],
  toOnnx: (writer, { x, indices }, { batch_dims }) => writer.node('GatherND', [x, indices], { int: { batch_dims } }),
});
