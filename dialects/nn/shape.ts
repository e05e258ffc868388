import { attr, type Dim, defineOp, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { reduceProd } from './reduce.ts';
import { reshape } from './reshape.ts';

export const shapeOf = defineOp({
  name: 'nn.shape',
  summary: 'The sizes of axes start to end of x, as i64.',
  operands: { x: 'required' },
  attributes: { start: attr.int(0), end: attr.int() },
  infer: (_, { start, end }) => tensor([end - start], 'i64'),
  evaluate: ({ x }, { start, end }): HostTensor => ({
    dtype: 'i64',
    shape: [end - start],
    data: BigInt64Array.from(x.shape.slice(start, end), BigInt),
  }),
  onnx: [
    {
      op: 'Shape',
      build(node): Value {
        const x = node.input(0);
        const rank = (x.type as TensorType).shape.length;
        const bound = (value: number) => Math.min(rank, Math.max(0, value < 0 ? value + rank : value));
        const start = node.opset >= 15 ? bound(node.int('start', 0)) : 0;
        const end = node.opset >= 15 ? bound(node.int('end', rank)) : rank;
        return node.create(shapeOf, { x }, { start, end: Math.max(start, end) }).result;
      },
    },
    {
      op: 'Size',
      build(node): Value {
        const x = node.input(0);
        const rank = (x.type as TensorType).shape.length;
        const sizes = node.create(shapeOf, { x }, { start: 0, end: rank }).result;
        if (rank === 1) return node.create(reshape, { x: sizes }, { shape: [] as Dim[] }).result;
        return node.create(reduceProd, { x: sizes }, { axes: [0], keepdims: false }).result;
      },
    },
  ],
  toOnnx: (writer, { x }, { start, end }) => writer.node('Shape', [x], { int: { start, end } }),
});
