import { defineOp, type Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { broadcastAll, commonElement, elementwiseType } from './broadcast.ts';
import { sameArray } from './elements.ts';

export const where = defineOp({
  name: 'nn.where',
  summary: 'y = a where the condition holds, else b.',
  operands: { condition: 'required', a: 'required', b: 'required' },
  infer: ({ condition, a, b }) => elementwiseType([condition, a, b], commonElement([a, b])),
  evaluate({ condition, a, b }): HostTensor {
    const { shape, operands } = broadcastAll([condition, a, b]);
    const [c, x, y] = operands as [HostTensor, HostTensor, HostTensor];
    const data = sameArray(a, c.data.length) as Float64Array;
    const [yes, no] = [x.data as Float64Array, y.data as Float64Array];
    for (let i = 0; i < data.length; i++) data[i] = (c.data[i] ? yes[i] : no[i]) as number;
    return { dtype: a.dtype, shape, data };
  },
  lower: {
    kind: 'elementwise',
    body: (k, [condition, a, b]): Value => k.select(condition as Value, a as Value, b as Value),
  },
  onnx: [
    {
      op: 'Where',
      build: (node): Value =>
        node.create(where, { condition: node.input(0), a: node.input(1), b: node.input(2) }).result,
    },
  ],
  toOnnx: (writer, { condition, a, b }) => writer.node('Where', [condition, a, b]),
});
