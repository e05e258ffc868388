import { type AxisIndex, attr, defineOp, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { moveQuantAxis } from './axes.ts';
import { readStrided, rowMajorStrides } from './strided.ts';

export const transpose = defineOp({
  name: 'nn.transpose',
  summary: 'Axis i of the result is axis perm[i] of x.',
  operands: { x: 'required' },
  attributes: { perm: attr.ints() },
  typing: 'moves',
  infer({ x }, { perm }) {
    const rank = x.shape.length;
    if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw new QcError({
        what: `perm = [${perm.join(', ')}] is no order of the axes of [${x.shape.join(', ')}]`,
        why: `each axis from 0 to ${rank - 1} must occur once`,
        help: 'export the model again',
      });
    }
    return tensor(
      perm.map((axis) => x.shape[axis] as number),
      moveQuantAxis(x, (axis) => perm.indexOf(axis)),
    );
  },
  evaluate({ x }, { perm }) {
    const strides = rowMajorStrides(x.shape);
    return readStrided(
      x,
      perm.map((axis) => x.shape[axis] as number),
      perm.map((axis) => strides[axis] as number),
    );
  },
  lower: {
    kind: 'view',
    index(op): AxisIndex[] {
      const { perm } = transpose.attributesOf(op);
      return perm.map((_, axis) => ({ axis: perm.indexOf(axis), stride: 1, offset: 0 }));
    },
  },
  onnx: [
    {
      op: 'Transpose',
      build(node): Value {
        const x = node.input(0);
        const rank = (x.type as TensorType).shape.length;
        const reversed = Array.from({ length: rank }, (_, i) => rank - 1 - i);
        return node.create(transpose, { x }, { perm: node.ints('perm', reversed) }).result;
      },
    },
  ],
  toOnnx: (writer, { x }, { perm }) => writer.node('Transpose', [x], { ints: { perm } }),
});
