import { attr, type Dim, defineOp, mulDim, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { moveQuantAxis } from './axes.ts';
import { readStrided, reshaped, rowMajorStrides } from './strided.ts';

export const tile = defineOp({
  name: 'nn.tile',
  summary: 'x repeated whole along each axis.',
  operands: { x: 'required' },
  attributes: { repeats: attr.dims() },
  typing: 'moves',
  infer({ x }, { repeats }) {
    if (repeats.length !== x.shape.length) {
      throw new QcError({
        what: `repeats = [${repeats.join(', ')}] on [${x.shape.join(', ')}]`,
        why: 'one for each axis',
      });
    }
    const shape = x.shape.map((dim, i) => mulDim(dim, repeats[i] as Dim));
    return tensor(
      shape,
      moveQuantAxis(x, (axis) => (repeats[axis] === 1 ? axis : undefined)),
    );
  },
  evaluate({ x }, { repeats }) {
    // Axis i becomes two: the repetition, which does not move in x, and the axis itself.
    const own = rowMajorStrides(x.shape);
    const shape = x.shape.flatMap((dim, i) => [repeats[i] as number, dim]);
    const strides = own.flatMap((stride) => [0, stride]);
    const spread = readStrided(x, shape, strides);
    return reshaped(
      spread,
      x.shape.map((dim, i) => dim * (repeats[i] as number)),
    );
  },
  onnx: [
    {
      op: 'Tile',
      since: 6,
      build(node): Value {
        const x = node.input(0);
        const repeats = node.dims(1) ?? node.refuse('no repeats');
        return repeats.every((r) => r === 1) ? x : node.create(tile, { x }, { repeats }).result;
      },
    },
  ],
  toOnnx: (writer, { x }, { repeats }) => writer.node('Tile', [x, writer.ints(writer.sizes(repeats))]),
});
