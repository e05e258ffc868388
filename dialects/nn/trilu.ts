import { attr, defineOp, expressed, type Value, withElement } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

export const trilu = defineOp({
  name: 'nn.trilu',
  summary: 'Matrices with zeros below (or, lower, above) diagonal k.',
  operands: { x: 'required' },
  attributes: { k: attr.int(0), upper: attr.bool(true) },
  infer({ x }) {
    if (x.shape.length < 2)
      throw new QcError({ what: `a triangle of a tensor of rank ${x.shape.length}`, why: 'it needs matrices' });
    return withElement(x, expressed(x.element));
  },
  evaluate({ x }, { k, upper }): HostTensor {
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    const data = x.data.slice() as Float64Array;
    for (let i = 0; i < data.length; i++) {
      const [row, column] = [Math.floor(i / columns) % rows, i % columns];
      if (upper ? column - row < k : column - row > k) data.fill(zeroOf(data), i, i + 1);
    }
    return { dtype: x.dtype, shape: x.shape, data };
  },
  onnx: [
    {
      op: 'Trilu',
      build(node): Value {
        const [k = 0] = node.constantNumbers(1) ?? [];
        return node.create(trilu, { x: node.input(0) }, { k, upper: node.int('upper', 1) !== 0 }).result;
      },
    },
  ],
  toOnnx: (writer, { x }, { k, upper }) =>
    writer.node('Trilu', [x, writer.constant({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(k)) })], {
      int: { upper: upper ? 1 : 0 },
    }),
});

/** The zero that an array holds: a BigInt for 64-bit integers. */
function zeroOf(data: Float64Array): number {
  return typeof data[0] === 'bigint' ? (0n as unknown as number) : 0;
}
