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
  timeFirst,
  writeRecurrent,
} from './recurrent.ts';

type Activations = [(x: number) => number, (x: number) => number, (x: number) => number];

/** The gates lie in the order input (i), output (o), forget (f), cell (g); the peepholes p [D, 3·H] as i, o, f. */
export const lstm = defineOp({
  name: 'nn.lstm',
  summary:
    'i, o, f = σ(W·x + R·h + biases + p∘c), c = f∘c + i∘g(…), h = o∘tanh(c) along a sequence; all states, the last, and the last cell.',
  operands: { ...recurrentOperands, initial_c: 'optional', p: 'optional' },
  attributes: { ...recurrentAttributes, input_forget: attr.bool(false) },
  results: ['y', 'y_h', 'y_c'],
  infer(operands, attributes) {
    const [all, last] = recurrentTypes(operands, attributes, 4, 3);
    return [all, last, last];
  },
  evaluate(operands, attributes, { results }) {
    const [r, bias] = [toF64(operands.r), operands.b && toF64(operands.b)];
    const [peepholes, first] = [operands.p && toF64(operands.p), operands.initial_c && toF64(operands.initial_c)];
    const hidden = operands.r.shape[2] as number;
    const batch = operands.x.shape[1] as number;
    const cells = new Float64Array((operands.r.shape[0] as number) * batch * hidden);
    const sums = new Float64Array(4 * hidden);
    const states = runRecurrent(operands, attributes, (d, n) => {
      const [f, g, h] = functionsOf(attributes, d, 3) as Activations;
      const at = (d * batch + n) * hidden;
      const c = cells.subarray(at, at + hidden);
      if (first) c.set(first.subarray(at, at + hidden));
      const peep = (gate: number, i: number) => (peepholes ? (peepholes[(d * 3 + gate) * hidden + i] as number) : 0);
      return (projected, state) => {
        sums.set(projected);
        addProduct(sums, r, d * 4 * hidden * hidden, hidden, state, 0);
        if (bias)
          for (let k = 0; k < sums.length; k++) {
            sums[k] = (sums[k] as number) + (bias[(d * 8 + 4) * hidden + k] as number);
          }
        for (let i = 0; i < hidden; i++) {
          const before = c[i] as number;
          const input = f((sums[i] as number) + peep(0, i) * before);
          const forget = attributes.input_forget
            ? 1 - input
            : f((sums[2 * hidden + i] as number) + peep(2, i) * before);
          const cell = forget * before + input * g(sums[3 * hidden + i] as number);
          c[i] = cell;
          state[i] = f((sums[hidden + i] as number) + peep(1, i) * cell) * h(cell);
        }
      };
    });
    return [...states, cells].map((data, i) => real((results[i] as TensorType).shape as number[], data));
  },
  cost: recurrentCost,
  lower: { kind: 'template', template: 'recurrent' },
  onnx: [{ op: 'LSTM', build: importLstm }],
  toOnnx(writer, { x, w, r, b, sequence_lens, initial_h, initial_c, p }, attributes, op) {
    const int = { input_forget: attributes.input_forget ? 1 : 0 };
    const inputs = [x, w, r, b, sequence_lens, initial_h, initial_c, p];
    return writeRecurrent(writer, 'LSTM', op, inputs, attributes, int);
  },
});

function importLstm(node: OnnxNode): readonly Value[] {
  const layout = node.int('layout', 0);
  const operands = {
    ...readOperands(node, layout),
    initial_c: timeFirst(node, layout, 6),
    p: node.optionalInput(7),
  };
  const attributes = {
    ...readRecurrent(node, ['Sigmoid', 'Tanh', 'Tanh']),
    input_forget: node.int('input_forget', 0) !== 0,
  };
  return laidOut(node, layout, node.create(lstm, operands, attributes).results);
}
