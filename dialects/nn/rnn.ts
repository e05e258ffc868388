import { defineOp, type OnnxNode, type TensorType, type Value } from '../../src/ir/index.ts';
import { real, toF64 } from './elements.ts';
import {
  addProduct,
  functionsOf,
  laidOut,
  readOperands,
  readRecurrent,
  recurrentAttributes,
  recurrentCost,
  recurrentOperands,
  recurrentTypes,
  runRecurrent,
  writeRecurrent,
} from './recurrent.ts';

export const rnn = defineOp({
  name: 'nn.rnn',
  summary: 'h = f(W·x + Wb + R·h + Rb) along a sequence; all states, and the last.',
  operands: recurrentOperands,
  attributes: recurrentAttributes,
  results: ['y', 'y_h'],
  infer: (operands, attributes) => recurrentTypes(operands, attributes, 1, 1),
  evaluate(operands, attributes, { results }) {
    const [r, bias] = [toF64(operands.r), operands.b && toF64(operands.b)];
    const hidden = operands.r.shape[2] as number;
    const sums = new Float64Array(hidden);
    const states = runRecurrent(operands, attributes, (d) => {
      const [f] = functionsOf(attributes, d, 1);
      return (projected, h) => {
        sums.set(projected);
        addProduct(sums, r, d * hidden * hidden, hidden, h, 0);
        for (let i = 0; i < hidden; i++) {
          const recurrentBias = bias ? (bias[(d * 2 + 1) * hidden + i] as number) : 0;
          h[i] = (f as (x: number) => number)((sums[i] as number) + recurrentBias);
        }
      };
    });
    return states.map((data, i) => real((results[i] as TensorType).shape as number[], data));
  },
  cost: recurrentCost,
  lower: { kind: 'template', template: 'recurrent' },
  onnx: [{ op: 'RNN', build: importRnn }],
  toOnnx(writer, { x, w, r, b, sequence_lens, initial_h }, attributes, op) {
    return writeRecurrent(writer, 'RNN', op, [x, w, r, b, sequence_lens, initial_h], attributes);
  },
});

function importRnn(node: OnnxNode): readonly Value[] {
  const layout = node.int('layout', 0);
  return laidOut(node, layout, node.create(rnn, readOperands(node, layout), readRecurrent(node, ['Tanh'])).results);
}
