import { attr, type Dim, defineOp, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { product } from './axes.ts';
import { rowMajorStrides } from './strided.ts';

export const nonZero = defineOp({
  name: 'nn.non_zero',
  summary: 'The indices of all elements that are not 0, in row-major order: one row for each axis.',
  operands: { x: 'required' },
  attributes: {
    /** How many there are: a symbol that the data decides. */
    count: attr.dims(),
    /** The most that there can be. */
    most: attr.dims([]),
  },
  dataDependent: true,
  infer: ({ x }, { count }) => tensor([x.shape.length, count[0] as Dim], 'i64'),
  evaluate({ x }): HostTensor {
    const places: number[] = [];
    x.data.forEach((v: number | bigint, i: number) => {
      if (Number(v) !== 0) places.push(i);
    });
    const strides = rowMajorStrides(x.shape);
    const rows = strides.map((stride, axis) =>
      places.map((place) => BigInt(Math.floor(place / stride) % (x.shape[axis] as number))),
    );
    return { dtype: 'i64', shape: [strides.length, places.length], data: BigInt64Array.from(rows.flat()) };
  },
  lower: { kind: 'template', template: 'non_zero' },
  onnx: [
    {
      op: 'NonZero',
      build(node): Value {
        const x = node.input(0);
        const most = product((x.type as TensorType).shape);
        return node.create(nonZero, { x }, { count: [node.freshDim('count', most)], most: [most] }).result;
      },
    },
  ],
});
