import { attr, defineOp, expressed, type TensorType, type Value, withElement } from '../../src/ir/index.ts';
import { clampBody, max as maxOp, min as minOp } from './binary.ts';
import { mapElements } from './elements.ts';

/** Relu and Clip: both are a clamp. */
export const clamp = defineOp({
  name: 'nn.clamp',
  summary: 'y = min(max(x, min), max); a NaN stays NaN.',
  operands: { x: 'required' },
  attributes: { min: attr.float(-Infinity), max: attr.float(Infinity) },
  infer: ({ x }) => withElement(x, expressed(x.element)),
  evaluate({ x }, { min, max }) {
    return mapElements(x, (v) => (v < min ? min : v > max ? max : v));
  },
  lower: {
    kind: 'elementwise',
    body(k, [x], op): Value {
      const { min, max } = clamp.attributesOf(op);
      return clampBody(k, x as Value, [min, max]);
    },
  },
  onnx: [
    { op: 'Relu', build: (node): Value => node.create(clamp, { x: node.input(0) }, { min: 0 }).result },
    {
      op: 'Clip',
      until: 10,
      build: (node): Value =>
        node.create(
          clamp,
          { x: node.input(0) },
          { min: node.float('min', -Infinity), max: node.float('max', Infinity) },
        ).result,
    },
    {
      op: 'Clip',
      since: 11,
      build(node): Value {
        const [x, low, high] = [node.input(0), node.optionalInput(1), node.optionalInput(2)];
        const known = [1, 2].every((i) => !node.optionalInput(i) || node.constant(i));
        if (!known) {
          const atLeast = low ? node.create(maxOp, { a: x, b: low }).result : x;
          return high ? node.create(minOp, { a: atLeast, b: high }).result : atLeast;
        }
        const [min = -Infinity] = node.constantNumbers(1) ?? [];
        const [max = Infinity] = node.constantNumbers(2) ?? [];
        return node.create(clamp, { x }, { min, max }).result;
      },
    },
  ],
  toOnnx: (writer, { x }, { min, max }, op) => writer.clip(x, [min, max], op.operand(0).type as TensorType),
});
