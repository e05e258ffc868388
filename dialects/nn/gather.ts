import {
  attr,
  type Dim,
  defineOp,
  expressed,
  isInteger,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { moveQuantAxis, normalAxis } from './axes.ts';
import { sameArray, toF64 } from './elements.ts';

export const gather = defineOp({
  name: 'nn.gather',
  summary: 'The slices of x along an axis that the indices name; negative indices count from the end.',
  operands: { x: 'required', indices: 'required' },
  attributes: { axis: attr.int(0) },
  typing: 'moves',
  infer({ x, indices }, { axis }) {
    const at = normalAxis(axis, x.shape.length);
    if (!isInteger(expressed(indices.element))) {
      throw new QcError({ what: `indices of the type ${indices.key}`, why: 'indices are integers' });
    }
    const shape = [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
    const shift = indices.shape.length - 1;
    return tensor(
      shape,
      moveQuantAxis(x, (a) => (a === at ? undefined : a < at ? a : a + shift)),
    );
  },
  evaluate({ x, indices }, { axis }): HostTensor {
    const at = normalAxis(axis, x.shape.length);
    const size = x.shape[at] as number;
    const shape = [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
    const places = toF64(indices).map((index) => checkedIndex(index, size));
    const outer = elementCount(x.shape.slice(0, at));
    const inner = elementCount(x.shape.slice(at + 1));
    const data = sameArray(x, elementCount(shape)) as Float64Array;
    const from = x.data as Float64Array;
    for (let o = 0; o < outer; o++) {
      places.forEach((place, i) => {
        const start = (o * size + place) * inner;
        data.set(from.subarray(start, start + inner), (o * places.length + i) * inner);
      });
    }
    return { dtype: x.dtype, shape, data };
  },
  lower: { kind: 'template', template: 'gather' },
  onnx: [
    {
      op: 'Gather',
      build(node): Value {
        const [x, indices] = [node.input(0), node.input(1)];
        const { shape } = x.type as TensorType;
        const axis = normalAxis(node.int('axis', 0), shape.length);
        const known = node.constant(1);
        const size: Dim = shape[axis] as Dim;
        if (known && typeof size === 'number') for (const index of toF64(known)) checkedIndex(index, size);
        return node.create(gather, { x, indices }, { axis }).result;
      },
    },
  ],
  toOnnx: (writer, { x, indices }, { axis }) => writer.node('Gather', [x, indices], { int: { axis } }),
});

/** An index counted from the front. @throws QcError when it leaves the axis. */
export function checkedIndex(index: number, size: number): number {
  const place = index < 0 ? index + size : index;
  if (place >= 0 && place < size) return place;
  throw new QcError({
    what: `index ${index} is outside an axis of ${size} elements`,
    why: `indices go from ${-size} to ${size - 1}`,
    help: 'check the inputs and the constants of the model',
  });
}
