import {
  type AxisIndex,
  attr,
  type Dim,
  defineOp,
  type OnnxNode,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { moveQuantAxis } from './axes.ts';
import { broadcastDims, broadcastTo } from './broadcast.ts';

export const expand = defineOp({
  name: 'nn.expand',
  summary: 'x repeated along axes of size 1 and new leading axes, as NumPy broadcasts it to the shape.',
  operands: { x: 'required' },
  attributes: { shape: attr.dims() },
  typing: 'moves',
  infer({ x }, { shape }) {
    const result = broadcastDims(x.shape, shape);
    const lead = result.length - x.shape.length;
    return tensor(
      result,
      moveQuantAxis(x, (axis) => (x.shape[axis] === result[axis + lead] ? axis + lead : undefined)),
    );
  },
  evaluate: ({ x }, { shape }) => broadcastTo(x, broadcastDims(x.shape, shape) as number[]),
  lower: {
    kind: 'view',
    index(op): AxisIndex[] {
      const from = (op.operand(0).type as TensorType).shape;
      const lead = (op.result.type as TensorType).shape.length - from.length;
      return from.map((dim, i) =>
        dim === 1 ? { axis: undefined, stride: 0, offset: 0 } : { axis: i + lead, stride: 1, offset: 0 },
      );
    },
  },
  onnx: [
    {
      op: 'Expand',
      build(node): Value {
        const shape = node.dims(1) ?? node.refuse('no shape');
        return expanded(node, node.input(0), shape);
      },
    },
    {
      op: 'ConstantOfShape',
      build(node): Value {
        const shape = node.dims(0) ?? node.refuse('no shape');
        const value = node.tensor('value') ?? { dtype: 'f32', shape: [1], data: new Float32Array(1) };
        const scalar = node.createConstant({ ...value, shape: [] });
        return expanded(node, scalar, shape);
      },
    },
  ],
  toOnnx: (writer, { x }, { shape }) => writer.node('Expand', [x, writer.ints(writer.sizes(shape))]),
});

/** x expanded to a shape; x itself when that changes nothing. */
function expanded(node: OnnxNode, x: Value, shape: readonly Dim[]): Value {
  const negative = shape.find((dim) => typeof dim === 'number' && dim < 0);
  if (negative !== undefined) return node.refuse(`the shape [${shape.join(', ')}]`, 'a dimension cannot be negative');
  const from = (x.type as TensorType).shape;
  const result = broadcastDims(from, shape);
  if (result.length === from.length && result.every((dim, i) => dim === from[i])) return x;
  return node.create(expand, { x }, { shape: result }).result;
}
