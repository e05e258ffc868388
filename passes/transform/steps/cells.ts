import { clamp } from '../../../dialects/nn/clamp.ts';
import type { Compose, OpMaker } from '../../../dialects/nn/composed/compose.ts';
import { gru } from '../../../dialects/nn/gru.ts';
import { gruCell } from '../../../dialects/nn/gruCell.ts';
import { lstm } from '../../../dialects/nn/lstm.ts';
import { lstmCell } from '../../../dialects/nn/lstmCell.ts';
import { sigmoid, tanh } from '../../../dialects/nn/unary.ts';
import type { Rewriter, Value } from '../../../src/ir/index.ts';
import { composing } from '../../schedule/decompose/composing.ts';
import { biasOf, columnsOf, type RecurrentLayer } from './layer.ts';

/** What a layer keeps from one step to the next: the hidden state [N, H] and, of an LSTM, the cell. */
export type State = readonly (Value | undefined)[];

/** One step of a layer in one direction, from the products with its input [N, G·H]; no state is one of zeros. */
export type Step = (projected: Value, state: State) => State;

/** How a recurrent layer is written as products and a cell. */
export interface CellForm {
  /** Rows of the weights for each hidden unit. */
  readonly gates: number;
  /** Whether the cell has these functions. */
  readonly takes: (layer: RecurrentLayer) => boolean;
  /** Which biases go to the products with the input: of the input (0), of the state (1). */
  readonly biases: (layer: RecurrentLayer) => (row: number) => readonly (0 | 1)[];
  /** Makes the constants of a direction, and gives its step. */
  readonly step: (rewriter: Rewriter, layer: RecurrentLayer, direction: number) => Step;
}

const both = () => [0, 1] as const;

/** projected + h·R, or projected where there is no state yet. */
const withState = (c: Compose<OpMaker>, projected: Value, h: Value | undefined, r: Value): Value =>
  h ? c.add(projected, c.matmul(h, r)) : projected;

const zeros = (c: Compose<OpMaker>, { batch, hidden }: RecurrentLayer, like: Value): Value =>
  c.numbers(new Float32Array(batch * hidden), [batch, hidden], like);

/** h = f(W·x + R·h + biases) */
export const rnnForm: CellForm = {
  gates: 1,
  takes: ({ functions: [f] }) => f === 'Tanh' || f === 'Sigmoid' || f === 'Relu',
  biases: () => both,
  step(rewriter, layer, direction) {
    const c = composing(rewriter, layer.root);
    const r = columnsOf(rewriter, layer, 'r', direction, [0, layer.hidden]);
    const [f] = layer.functions;
    const applied = (x: Value): Value =>
      f === 'Relu' ? rewriter.create(clamp, { x }, { min: 0 }).result : c.apply(f === 'Tanh' ? tanh : sigmoid, x);
    return (projected, [h]) => [applied(withState(c, projected, h, r))];
  },
};

/** The gates i, o, f and g together go to the cell. */
export const lstmForm: CellForm = {
  gates: 4,
  takes: ({ root, functions }) =>
    functions.join() === 'Sigmoid,Tanh,Tanh' && !lstm.attributesOf(root).input_forget && !root.operands[7],
  biases: () => both,
  step(rewriter, layer, direction) {
    const { root, hidden } = layer;
    const c = composing(rewriter, root);
    const r = columnsOf(rewriter, layer, 'r', direction, [0, 4 * hidden]);
    return (projected, [h, cell]) => {
      const operands = { gates: withState(c, projected, h, r), c: cell ?? zeros(c, layer, projected) };
      return rewriter.create(lstmCell, operands, {}, { source: root.source }).results;
    };
  },
};

/** The gates z, r and the candidate; the reset r is applied to the state before its product, or to the product. */
export const gruForm: CellForm = {
  gates: 3,
  takes: ({ functions }) => functions.join() === 'Sigmoid,Tanh',
  biases:
    ({ root, hidden }) =>
    (row) =>
      row >= 2 * hidden && gru.attributesOf(root).linear_before_reset ? [0] : [0, 1],
  step(rewriter, layer, direction) {
    const { root, hidden } = layer;
    const c = composing(rewriter, root);
    const candidateRows = [2 * hidden, 3 * hidden] as const;
    const r = columnsOf(rewriter, layer, 'r', direction, [0, 2 * hidden]);
    const rc = columnsOf(rewriter, layer, 'r', direction, candidateRows);
    const late = gru.attributesOf(root).linear_before_reset;
    const bias = late ? biasOf(rewriter, layer, direction, () => [1], candidateRows) : undefined;
    return (projected, [h]) => {
      const gates = withState(c, c.slice(projected, 1, 0, 2 * hidden), h, r);
      const reset = c.apply(sigmoid, c.slice(gates, 1, hidden, hidden));
      const input = c.slice(projected, 1, 2 * hidden, hidden);
      const ofState = late
        ? recurrentPart(c, h, rc, bias, (sum) => c.mul(reset, sum))
        : h && c.matmul(c.mul(reset, h), rc);
      const operands = {
        update: c.slice(gates, 1, 0, hidden),
        candidate: ofState ? c.add(input, ofState) : input,
        h: h ?? zeros(c, layer, projected),
      };
      return [rewriter.create(gruCell, operands, {}, { source: root.source }).result];
    };
  },
};

/** reset(h·R + bias), as far as there is any of it. */
function recurrentPart(
  c: Compose<OpMaker>,
  h: Value | undefined,
  r: Value,
  bias: Value | undefined,
  reset: (sum: Value) => Value,
): Value | undefined {
  if (h) return reset(c.matmul(h, r, bias));
  return bias && reset(bias);
}
