import { type Dim, defineOp, type TensorType, tensor } from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { real, toF64 } from './elements.ts';

/** What a step of a long short-term memory does after its matrix products: gates [N, 4·H] in the order i, o, f, g. */
export const lstmCell = defineOp({
  name: 'nn.lstm_cell',
  summary: 'y_c = σ(f)∘c + σ(i)∘tanh(g), y_h = σ(o)∘tanh(y_c).',
  operands: { gates: 'required', c: 'required' },
  results: ['y_h', 'y_c'],
  infer({ gates, c }) {
    checkGates(gates.shape, c.shape);
    return [tensor(c.shape, c.element), tensor(c.shape, c.element)];
  },
  evaluate({ gates, c }) {
    const [sums, before] = [toF64(gates), toF64(c)];
    const hidden = c.shape[1] as number;
    const [h, after] = [new Float64Array(before.length), new Float64Array(before.length)];
    const { sigmoid, tanh } = elementary;
    for (let at = 0; at < before.length; at++) {
      const first = Math.floor(at / hidden) * 4 * hidden + (at % hidden);
      const [i, o, f, g] = [0, 1, 2, 3].map((gate) => sums[first + gate * hidden]) as [number, number, number, number];
      const cell = sigmoid(f) * (before[at] as number) + sigmoid(i) * tanh(g);
      after[at] = cell;
      h[at] = sigmoid(o) * tanh(cell);
    }
    return [real(c.shape, h), real(c.shape, after)];
  },
  toOnnx(writer, { gates, c }, _attributes, op) {
    const hidden = (op.operand(1).type as TensorType).shape[1] as number;
    const sizes = writer.ints([hidden, hidden, hidden, hidden]);
    const [i, o, f, g] = writer.nodes('Split', [gates, sizes], 4, { int: { axis: 1 } }) as [
      string,
      string,
      string,
      string,
    ];
    const gated = (gate: string, x: string) => writer.node('Mul', [writer.node('Sigmoid', [gate]), x]);
    const after = writer.node('Add', [gated(f, c), gated(i, writer.node('Tanh', [g]))]);
    return [gated(o, writer.node('Tanh', [after])), after];
  },
});

/** @throws QcError where the gates do not belong to the cell */
function checkGates(gates: readonly Dim[], cell: readonly Dim[]): void {
  const [batch, hidden] = cell;
  const fits = gates.length === 2 && cell.length === 2 && typeof hidden === 'number' && gates[1] === 4 * hidden;
  if (fits && gates[0] === batch) return;
  throw new QcError({
    what: `gates of the shape [${gates.join(', ')}] for a cell of the shape [${cell.join(', ')}]`,
    why: '[N, 4·H] and [N, H] are needed',
  });
}
