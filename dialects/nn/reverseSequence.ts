import { attr, defineOp, type TensorType, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { normalAxis } from './axes.ts';
import { sameArray, toF64 } from './elements.ts';
import { rowMajorStrides } from './strided.ts';

export const reverseSequence = defineOp({
  name: 'nn.reverse_sequence',
  summary: 'The first lengths[b] elements along the time axis in reverse order, for each b on the batch axis.',
  operands: { x: 'required', lengths: 'required' },
  attributes: { time_axis: attr.int(0), batch_axis: attr.int(1) },
  typing: 'moves',
  infer: ({ x }) => x,
  evaluate({ x, lengths }, { time_axis, batch_axis }): HostTensor {
    const strides = rowMajorStrides(x.shape);
    const [time, batch] = [strides[time_axis] as number, strides[batch_axis] as number];
    const [steps, batches] = [x.shape[time_axis] as number, x.shape[batch_axis] as number];
    const counts = toF64(lengths);
    if (counts.length !== batches || counts.some((count) => count < 0 || count > steps)) {
      throw new QcError({
        what: `sequence lengths [${counts.join(', ')}] for ${batches} sequences of ${steps} steps`,
        help: 'check the inputs of the model',
      });
    }
    const from = x.data as Float64Array;
    const data = sameArray(x, from.length) as Float64Array;
    for (let i = 0; i < data.length; i++) {
      const t = Math.floor(i / time) % steps;
      const count = counts[Math.floor(i / batch) % batches] as number;
      data[i] = from[t < count ? i + (count - 1 - 2 * t) * time : i] as number;
    }
    return { dtype: x.dtype, shape: x.shape, data };
  },
  lower: { kind: 'template', template: 'reverse_sequence' },
  onnx: [
    {
      op: 'ReverseSequence',
      build(node): Value {
        const [x, lengths] = [node.input(0), node.input(1)];
        const rank = (x.type as TensorType).shape.length;
        const attributes = {
          time_axis: normalAxis(node.int('time_axis', 0), rank),
          batch_axis: normalAxis(node.int('batch_axis', 1), rank),
        };
        return node.create(reverseSequence, { x, lengths }, attributes).result;
      },
    },
  ],
});
