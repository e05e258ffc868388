import { attr, defineOp, type OnnxNode, type TensorType, type Value } from '../../src/ir/index.ts';
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

/** The gates lie in the order update (z), reset (r), hidden (h). */
export const gru = defineOp({
  name: 'nn.gru',
  summary:
    'z = f(…), r = f(…), c = g(Wc·x + Rc·(r∘h) + biases), h = (1 − z)∘c + z∘h along a sequence; with linear_before_reset, c = g(Wc·x + Wb + r∘(Rc·h + Rb)).',
  operands: recurrentOperands,
  attributes: { ...recurrentAttributes, linear_before_reset: attr.bool(false) },
  results: ['y', 'y_h'],
  infer: (operands, attributes) => recurrentTypes(operands, attributes, 3, 2),
  evaluate(operands, attributes, { results }) {
    const [r, bias] = [toF64(operands.r), operands.b && toF64(operands.b)];
    const hidden = operands.r.shape[2] as number;
    const [gates, candidate] = [new Float64Array(2 * hidden), new Float64Array(hidden)];
    const reset = new Float64Array(hidden);
    const states = runRecurrent(operands, attributes, (d) => {
      const [f, g] = functionsOf(attributes, d, 2) as [(x: number) => number, (x: number) => number];
      const matrix = d * 3 * hidden * hidden;
      const recurrentBias = (i: number) => (bias ? (bias[(d * 6 + 3) * hidden + i] as number) : 0);
      return (projected, h) => {
        gates.set(projected.subarray(0, 2 * hidden));
        addProduct(gates, r, matrix, hidden, h, 0);
        for (let i = 0; i < 2 * hidden; i++) gates[i] = f((gates[i] as number) + recurrentBias(i));
        for (let i = 0; i < hidden; i++) {
          reset[i] = (attributes.linear_before_reset ? 1 : (gates[hidden + i] as number)) * (h[i] as number);
        }
        candidate.fill(0);
        addProduct(candidate, r, matrix + 2 * hidden * hidden, hidden, reset, 0);
        for (let i = 0; i < hidden; i++) {
          const recurrent = (candidate[i] as number) + recurrentBias(2 * hidden + i);
          const scale = attributes.linear_before_reset ? (gates[hidden + i] as number) : 1;
          const c = g((projected[2 * hidden + i] as number) + scale * recurrent);
          const z = gates[i] as number;
          h[i] = (1 - z) * c + z * (h[i] as number);
        }
      };
    });
    return states.map((data, i) => real((results[i] as TensorType).shape as number[], data));
  },
  cost: recurrentCost,
  lower: { kind: 'template', template: 'recurrent' },
  onnx: [{ op: 'GRU', build: importGru }],
  toOnnx(writer, { x, w, r, b, sequence_lens, initial_h }, attributes, op) {
    const int = { linear_before_reset: attributes.linear_before_reset ? 1 : 0 };
    return writeRecurrent(writer, 'GRU', op, [x, w, r, b, sequence_lens, initial_h], attributes, int);
  },
});

function importGru(node: OnnxNode): readonly Value[] {
  const layout = node.int('layout', 0);
  const attributes = {
    ...readRecurrent(node, ['Sigmoid', 'Tanh']),
    linear_before_reset: node.int('linear_before_reset', 0) !== 0,
  };
  return laidOut(node, layout, node.create(gru, readOperands(node, layout), attributes).results);
}
