import { gru } from '../../../dialects/nn/gru.ts';
import { lstm } from '../../../dialects/nn/lstm.ts';
import { rnn } from '../../../dialects/nn/rnn.ts';
import { attr, type OpDefinition, type Rewriter, type Value } from '../../../src/ir/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import { applyGreedily, op, type Rule, rule } from '../../../src/rewrite/index.ts';
import { composing } from '../../schedule/decompose/composing.ts';
import { type CellForm, gruForm, lstmForm, rnnForm, type State } from './cells.ts';
import { biasOf, columnsOf, layerOf, type RecurrentLayer } from './layer.ts';

/** All of them begin with the operands and attributes of nn.rnn. */
const alike = (definition: OpDefinition) => definition as typeof rnn;

// rnn, gru, lstm(x, h, …) == cell(… cell(x[0]·Wᵀ + h·Rᵀ + biases, h) …) for each direction
const stepwise = (definition: typeof rnn, form: CellForm, most: number): Rule =>
  rule(`${definition.name.slice(3)}-by-steps`, op(definition), ({ root }, rewriter) => {
    const layer = layerOf(root, definition, form.gates);
    if (!layer || layer.length > most || !form.takes(layer)) return undefined;
    const runs = Array.from({ length: layer.directions }, (_, d) => runOf(rewriter, layer, form, d));
    const { batch, hidden, length } = layer;
    const c = composing(rewriter, root);
    const all = Array.from({ length }, (_, t) => runs.map(({ hiddens }) => hiddens[t] as Value));
    const stacked = (states: readonly Value[], shape: readonly number[], axis: number) =>
      c.concat(
        states.map((state) => c.reshape(state, shape)),
        axis,
      );
    const last = (i: number) =>
      stacked(
        runs.map(({ last }) => last[i] as Value),
        [1, batch, hidden],
        0,
      );
    const y = c.concat(
      all.map((states) => stacked(states, [1, 1, batch, hidden], 1)),
      0,
    );
    return [y, ...root.results.slice(1).map((_, i) => last(i))];
  });

/** The hidden states of one direction by their place in the sequence, and what is left after its last step. */
function runOf(
  rewriter: Rewriter,
  layer: RecurrentLayer,
  form: CellForm,
  direction: number,
): { hiddens: readonly Value[]; last: State } {
  const { root, length, batch, inputs, hidden, gates } = layer;
  const c = composing(rewriter, root);
  const rows = [0, gates * hidden] as const;
  const weights = columnsOf(rewriter, layer, 'w', direction, rows);
  const bias = biasOf(rewriter, layer, direction, form.biases(layer), rows);
  const projected = c.matmul(c.reshape(root.operand(0), [length * batch, inputs]), weights, bias);
  const step = form.step(rewriter, layer, direction);
  const given = (state: Value | undefined) => state && c.reshape(c.slice(state, 0, direction, 1), [batch, hidden]);
  let state: State = root.operands.slice(5, 7).map(given);
  const hiddens = new Array<Value>(length);
  const backward = layer.isReverse || direction === 1;
  for (let i = 0; i < length; i++) {
    const t = backward ? length - 1 - i : i;
    state = step(c.slice(projected, 0, t * batch, batch), state);
    hiddens[t] = state[0] as Value;
  }
  return { hiddens, last: state };
}

/**
 * Streaming models call a recurrent layer step by step: its products then are those of any layer with weights. In
 * integers each step of a sequence has scales of its own.
 */
export const stepRecurrent = definePass({
  name: 'step-recurrent',
  summary: 'Writes recurrent layers of few steps as matrix products and cells.',
  phase: 'transform',
  options: {
    /** Longer sequences stay loops. */
    most: attr.int(1),
  },
  preserves: { tolerance: 1e-5 },
  run(module, { most }, context) {
    const rules = [
      stepwise(rnn, rnnForm, most),
      stepwise(alike(gru), gruForm, most),
      stepwise(alike(lstm), lstmForm, most),
    ];
    applyGreedily(module.main.body, rules, context.trace);
  },
});
