import type { rnn } from '../../../dialects/nn/rnn.ts';
import type { Op, Rewriter, TensorType, Value } from '../../../src/ir/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { constantName, createFloats, floatConstantOf } from '../../constants.ts';

/** A recurrent layer whose weights and sizes are known. */
export interface RecurrentLayer {
  readonly root: Op;
  /** Rows of the weights for each gate. */
  readonly gates: number;
  readonly length: number;
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly directions: number;
  /** Whether the first direction runs from the last step to the first; a second one always does. */
  readonly isReverse: boolean;
  /** The functions of one direction, the same in each. */
  readonly functions: readonly string[];
  readonly w: HostTensor;
  readonly r: HostTensor;
  /** [D, 2·G·H]: of the input, then of the state. */
  readonly bias: ArrayLike<number> | undefined;
}

/** The layer that nn.rnn, nn.gru or nn.lstm is; undefined where sizes, weights or lengths are found at run time. */
export function layerOf(root: Op, definition: typeof rnn, gates: number): RecurrentLayer | undefined {
  const [x, w, r, b, lengths] = root.operands;
  const [weights, recurrent, bias] = [w, r, b].map(floatConstantOf);
  const { shape } = (x as Value).type as TensorType;
  if (!weights || !recurrent || (b && !bias) || lengths || shape.some((dim) => typeof dim !== 'number'))
    return undefined;
  const { clip, activations, direction } = definition.attributesOf(root);
  if (clip !== Number.POSITIVE_INFINITY) return undefined;
  const [length, batch, inputs] = shape as [number, number, number];
  const [directions, , hidden] = recurrent.shape as [number, number, number];
  const functions = activations.slice(0, activations.length / directions);
  if (activations.some((name, i) => name !== functions[i % functions.length])) return undefined;
  const sizes = { gates, length, batch, inputs, hidden, directions, isReverse: direction === 'reverse' };
  return { root, ...sizes, functions, w: weights, r: recurrent, bias: bias?.data as Float32Array | undefined };
}

/** Rows `from` to `to` of a direction's matrix [G·H, K] as [K, to − from], the right operand of a product. */
export function columnsOf(
  rewriter: Rewriter,
  { root, w, r }: RecurrentLayer,
  part: 'w' | 'r',
  direction: number,
  [from, to]: readonly [number, number],
): Value {
  const { data, shape } = part === 'w' ? w : r;
  const [, rows, depth] = shape as [number, number, number];
  const count = to - from;
  const first = (direction * rows + from) * depth;
  const columns = Float32Array.from(
    { length: count * depth },
    (_, i) => data[first + (i % count) * depth + Math.floor(i / count)] as number,
  );
  const name = constantName(root.operand(part === 'w' ? 1 : 2), root.source);
  const range = count === rows ? '' : `.${from}`;
  return createFloats(rewriter, `${name}.${direction}${range}`, [depth, count], columns);
}

/** Biases of rows `from` to `to` of a direction: of the input, of the state, or their sum in f64, rounded once. */
export function biasOf(
  rewriter: Rewriter,
  { root, bias, gates, hidden }: RecurrentLayer,
  direction: number,
  parts: (row: number) => readonly (0 | 1)[],
  [from, to]: readonly [number, number],
): Value | undefined {
  if (!bias) return undefined;
  const rows = gates * hidden;
  const sums = Float64Array.from({ length: to - from }, (_, i) =>
    parts(from + i).reduce<number>((sum, part) => sum + (bias[(2 * direction + part) * rows + from + i] as number), 0),
  );
  return createFloats(rewriter, `${root.source}.bias`, [to - from], sums);
}
