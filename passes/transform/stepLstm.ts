import { lstm } from '../../dialects/nn/lstm.ts';
import { lstmCell } from '../../dialects/nn/lstmCell.ts';
import type { Op, Rewriter, TensorType, Value } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule } from '../../src/rewrite/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { constantName, createFloats, floatConstantOf } from '../constants.ts';
import { composing } from '../schedule/decompose/composing.ts';

/** The weights of a layer that takes one step, where its cell is the plain one. */
interface Step {
  readonly w: HostTensor;
  readonly r: HostTensor;
  readonly bias: ArrayLike<number> | undefined;
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly directions: number;
}

function stepOf(root: Op): Step | undefined {
  const { activations, clip, input_forget } = lstm.attributesOf(root);
  const { x, w, r, b, sequence_lens, p } = lstm.operandsOf(root);
  const plain = activations.every((name, i) => name === (i % 3 === 0 ? 'Sigmoid' : 'Tanh'));
  if (!plain || clip !== Number.POSITIVE_INFINITY || input_forget || sequence_lens || p) return undefined;
  const [length, batch, inputs] = (x.type as TensorType).shape;
  const [weights, recurrent, bias] = [floatConstantOf(w), floatConstantOf(r), floatConstantOf(b)];
  if (length !== 1 || typeof batch !== 'number' || !weights || !recurrent || (b && !bias)) return undefined;
  const [directions, , hidden] = recurrent.shape as [number, number, number];
  const sizes = { batch, inputs: inputs as number, hidden, directions };
  return { w: weights, r: recurrent, bias: bias?.data as Float32Array | undefined, ...sizes };
}

/** [4·H, K] of one direction as [K, 4·H], the right operand of a product. */
function columnsOf({ data, shape }: HostTensor, direction: number): Float32Array {
  const [, rows, depth] = shape as [number, number, number];
  const from = direction * rows * depth;
  return Float32Array.from(
    { length: rows * depth },
    (_, i) => data[from + (i % rows) * depth + Math.floor(i / rows)] as number,
  );
}

// lstm(x, h, c), one step == lstm_cell(x·Wᵀ + h·Rᵀ + Wb + Rb, c) for each direction
const oneStep = rule('lstm-of-one-step', op(lstm), ({ root }, rewriter) => {
  const step = stepOf(root);
  if (!step) return undefined;
  const { batch, hidden, directions } = step;
  const ends = Array.from({ length: directions }, (_, direction) => cellOf(rewriter, root, step, direction));
  const c = composing(rewriter, root);
  const stacked = (i: 0 | 1) =>
    c.concat(
      ends.map((pair) => c.reshape(pair[i], [1, batch, hidden])),
      0,
    );
  const last = stacked(0);
  return [c.reshape(last, [1, directions, batch, hidden]), last, stacked(1)];
});

/** The hidden state and the cell of one direction after the step, each [N, H]. */
function cellOf(rewriter: Rewriter, root: Op, step: Step, direction: number): [Value, Value] {
  const { batch, inputs, hidden } = step;
  const { x, w, r, initial_h, initial_c } = lstm.operandsOf(root);
  const c = composing(rewriter, root);
  const stateOf = (state: Value) => c.reshape(c.slice(state, 0, direction, 1), [batch, hidden]);
  const zeros = () => createFloats(rewriter, `${root.source}.zeros`, [batch, hidden], new Float32Array(batch * hidden));
  const weights = (source: Value, tensor: HostTensor) =>
    createFloats(
      rewriter,
      `${constantName(source, root.source)}.${direction}`,
      [tensor.shape[2] as number, 4 * hidden],
      columnsOf(tensor, direction),
    );
  let gates = c.matmul(c.reshape(x, [batch, inputs]), weights(w, step.w));
  if (initial_h) gates = c.add(gates, c.matmul(stateOf(initial_h), weights(r, step.r)));
  if (step.bias) gates = c.add(gates, biasOf(rewriter, root, step, direction));
  const cell = initial_c ? stateOf(initial_c) : zeros();
  const [h, after] = rewriter.create(lstmCell, { gates, c: cell }, {}, { source: root.source }).results;
  return [h as Value, after as Value];
}

/** Wb + Rb of one direction, in f64, rounded once. */
function biasOf(rewriter: Rewriter, root: Op, { bias, hidden }: Step, direction: number): Value {
  const at = (i: number) => bias?.[direction * 8 * hidden + i] as number;
  const sums = Float64Array.from({ length: 4 * hidden }, (_, i) => at(i) + at(4 * hidden + i));
  return createFloats(rewriter, `${root.source}.bias`, [4 * hidden], sums);
}

/** Streaming models call a recurrent layer step by step: its products then are those of any layer with weights. */
export const stepLstm = defineRewritePass({
  name: 'step-lstm',
  summary: 'Writes an LSTM that takes one step as matrix products and a cell.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [oneStep],
});
