import { attr, defineOp, type Value, withElement } from '../../src/ir/index.ts';
import { toF64, truths } from './elements.ts';

export const isInf = defineOp({
  name: 'nn.is_inf',
  summary: 'Whether x is infinite, on the sides that are asked for.',
  operands: { x: 'required' },
  attributes: { negative: attr.bool(true), positive: attr.bool(true) },
  infer: ({ x }) => withElement(x, 'i1'),
  evaluate({ x }, { negative, positive }) {
    const holds = (v: number) => (positive && v === Infinity) || (negative && v === -Infinity);
    return truths(
      x.shape,
      Uint8Array.from(toF64(x), (v) => (holds(v) ? 1 : 0)),
    );
  },
  lower: {
    kind: 'elementwise',
    body(k, [x], op): Value {
      const { negative, positive } = isInf.attributesOf(op);
      const is = (limit: number): Value => k.cmp('eq', x as Value, k.constant(limit, 'f32', x));
      if (negative && positive) return k.or(is(-Infinity), is(Infinity));
      return positive ? is(Infinity) : negative ? is(-Infinity) : k.cmp('lt', x as Value, x as Value);
    },
  },
  onnx: [
    {
      op: 'IsInf',
      build(node): Value {
        const sides = {
          negative: node.int('detect_negative', 1) !== 0,
          positive: node.int('detect_positive', 1) !== 0,
        };
        return node.create(isInf, { x: node.input(0) }, sides).result;
      },
    },
  ],
  toOnnx: (writer, { x }, { negative, positive }) =>
    writer.node('IsInf', [x], { int: { detect_negative: negative ? 1 : 0, detect_positive: positive ? 1 : 0 } }),
});
