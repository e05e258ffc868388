import { attr, defineOp, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { moveQuantAxis, normalAxis } from './axes.ts';
import { sameArray, toF64 } from './elements.ts';
import { checkedIndex } from './gather.ts';
import { forEachRow, rowMajorStrides } from './strided.ts';

/** Refuses indices that do not fit beside a tensor. @throws QcError */
export function checkBeside(x: TensorType, indices: TensorType): void {
  if (x.shape.length === indices.shape.length) return;
  throw new QcError({
    what: `indices of the shape [${indices.shape.join(', ')}] on a tensor of [${x.shape.join(', ')}]`,
    why: 'both must have as many axes',
    help: 'export the model again',
  });
}

/**
 * For each element of `indices`, the flat place in a tensor of `shape` where its own index along `axis` points.
 * @throws QcError when an index leaves the tensor.
 */
export function placesAlong(indices: HostTensor, shape: readonly number[], axis: number): Int32Array {
  const strides = rowMajorStrides(shape);
  const steps = strides.with(axis, 0);
  const [size, stride] = [shape[axis] as number, strides[axis] as number];
  const values = toF64(indices);
  const places = new Int32Array(values.length);
  const inner = indices.shape.at(-1) ?? 1;
  const step = steps.at(-1) ?? 0;
  forEachRow(indices.shape, steps, 0, (row, at) => {
    for (let i = 0; i < inner; i++) {
      places[row + i] = at + i * step + checkedIndex(values[row + i] as number, size) * stride;
    }
  });
  return places;
}

export const gatherElements = defineOp({
  name: 'nn.gather_elements',
  summary: 'y[i, j, …] = x[i, indices[i, j, …], …] along one axis; negative indices count from the end.',
  operands: { x: 'required', indices: 'required' },
  attributes: { axis: attr.int(0) },
  typing: 'moves',
  infer({ x, indices }, { axis }) {
    const at = normalAxis(axis, x.shape.length);
    checkBeside(x, indices);
    return tensor(
      indices.shape,
      moveQuantAxis(x, (a) => (a !== at && indices.shape[a] === x.shape[a] ? a : undefined)),
    );
  },
  evaluate({ x, indices }, { axis }): HostTensor {
    const places = placesAlong(indices, x.shape, normalAxis(axis, x.shape.length));
    const from = x.data as Float64Array;
    const data = sameArray(x, places.length) as Float64Array;
    for (let i = 0; i < data.length; i++) data[i] = from[places[i] as number] as number;
    return { dtype: x.dtype, shape: indices.shape, data };
  },
  lower: { kind: 'template', template: 'gather_elements' },
  onnx: [
    {
      op: 'GatherElements',
      build(node): Value {
        const [x, indices] = [node.input(0), node.input(1)];
        const axis = normalAxis(node.int('axis', 0), (x.type as TensorType).shape.length);
        return node.create(gatherElements, { x, indices }, { axis }).result;
      },
    },
  ],
  toOnnx: (writer, { x, indices }, { axis }) => writer.node('GatherElements', [x, indices], { int: { axis } }),
});
