import {
  attr,
  type Dim,
  expressed,
  type OnnxNode,
  type OnnxWriter,
  type Op,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { knownCount } from './axes.ts';
import { toF64 } from './elements.ts';
import { transpose } from './transpose.ts';

// What nn.rnn, nn.gru and nn.lstm share. Source: the ONNX operators RNN, GRU and LSTM.

type Activation = (x: number, alpha: number, beta: number) => number;

interface ActivationInfo {
  readonly f: Activation;
  /** Default parameters; undefined for one that the function does not have. */
  readonly alpha?: number;
  readonly beta?: number;
}

const activations: Readonly<Record<string, ActivationInfo>> = {
  Relu: { f: (x) => Math.max(0, x) },
  Tanh: { f: (x) => elementary.tanh(x) },
  Sigmoid: { f: (x) => elementary.sigmoid(x) },
  Affine: { f: (x, alpha, beta) => alpha * x + beta, alpha: 1, beta: 0 },
  LeakyRelu: { f: (x, alpha) => (x < 0 ? alpha * x : x), alpha: Math.fround(0.01) },
  ThresholdedRelu: { f: (x, alpha) => (x > alpha ? x : 0), alpha: 1 },
  ScaledTanh: { f: (x, alpha, beta) => alpha * elementary.tanh(beta * x), alpha: 1, beta: 1 },
  HardSigmoid: {
    f: (x, alpha, beta) => Math.min(1, Math.max(0, alpha * x + beta)),
    alpha: Math.fround(0.2),
    beta: 0.5,
  },
  Elu: { f: (x, alpha) => (x < 0 ? alpha * (elementary.exp(x) - 1) : x), alpha: 1 },
  Softsign: { f: (x) => x / (1 + Math.abs(x)) },
  Softplus: { f: (x) => elementary.softplus(x) },
};

/** Operands that every recurrent op begins with. x: [T, N, I], w: [D, G·H, I], r: [D, G·H, H], b: [D, 2·G·H]. */
export const recurrentOperands = {
  x: 'required',
  w: 'required',
  r: 'required',
  b: 'optional',
  sequence_lens: 'optional',
  initial_h: 'optional',
} as const;

export const recurrentAttributes = {
  direction: attr.oneOf(['forward', 'reverse', 'bidirectional'], 'forward'),
  /** The functions of each direction in turn. */
  activations: attr.strings(),
  alphas: attr.floats(),
  betas: attr.floats(),
  /** The inputs of the gates' activations are limited to ±clip. */
  clip: attr.float(Infinity),
};

interface RecurrentAttributes {
  readonly direction: string;
  readonly activations: readonly string[];
  readonly alphas: readonly number[];
  readonly betas: readonly number[];
  readonly clip: number;
}

const directionsOf = (direction: string) => (direction === 'bidirectional' ? 2 : 1);

interface RecurrentTypes {
  readonly x: TensorType;
  readonly w: TensorType;
  readonly r: TensorType;
  readonly b?: TensorType | undefined;
  readonly sequence_lens?: TensorType | undefined;
  readonly initial_h?: TensorType | undefined;
}

/** The types of all hidden states and of the last one. @throws QcError when the operands don't fit together */
export function recurrentTypes(
  { x, w, r, b, sequence_lens, initial_h }: RecurrentTypes,
  { direction, activations: functions, alphas, betas }: RecurrentAttributes,
  gates: number,
  functionCount: number,
): [TensorType, TensorType] {
  const [length, batch, inputs] = x.shape;
  const count = directionsOf(direction);
  const hidden = r.shape[2];
  const expect = (name: string, type: TensorType | undefined, shape: readonly (Dim | undefined)[]) => {
    const fits = (dim: Dim, i: number) => dim === shape[i] || typeof dim !== 'number' || typeof shape[i] !== 'number';
    if (!type || (type.shape.length === shape.length && type.shape.every(fits))) return;
    throw new QcError({
      what: `the operand ${name} has the shape [${type.shape.join(', ')}]`,
      why: `[${shape.join(', ')}] is needed for x [${x.shape.join(', ')}] and r [${r.shape.join(', ')}]`,
      help: 'export the model again',
    });
  };
  if (x.shape.length !== 3 || typeof hidden !== 'number') {
    throw new QcError({
      what: `x is ${x.key} and r is ${r.key}`,
      why: 'three axes are needed, and a known hidden size',
    });
  }
  expect('w', w, [count, gates * hidden, inputs]);
  expect('r', r, [count, gates * hidden, hidden]);
  expect('b', b, [count, 2 * gates * hidden]);
  expect('sequence_lens', sequence_lens, [batch]);
  expect('initial_h', initial_h, [count, batch, hidden]);
  const lists = [functions, alphas, betas];
  if (lists.some((list) => list.length !== count * functionCount) || functions.some((f) => !activations[f])) {
    throw new QcError({
      what: `the activations [${functions.join(', ')}]`,
      why: `${count * functionCount} are needed, of ${Object.keys(activations).join(', ')}`,
    });
  }
  const element = expressed(x.element);
  return [
    tensor([length as Dim, count, batch as Dim, hidden], element),
    tensor([count, batch as Dim, hidden], element),
  ];
}

/** Activations of one direction. The gates clip what goes in; what a cell gives out (the third) is not, as in onnxruntime. */
export function functionsOf(attributes: RecurrentAttributes, direction: number, count: number) {
  const { clip } = attributes;
  return Array.from({ length: count }, (_, i) => {
    const at = direction * count + i;
    const { f } = activations[attributes.activations[at] as string] as ActivationInfo;
    const [alpha, beta] = [attributes.alphas[at] as number, attributes.betas[at] as number];
    const limit = i < 2 ? clip : Infinity;
    return (x: number) => f(Math.min(Math.max(x, -limit), limit), alpha, beta);
  });
}

/** out[i] += Σ m[from + i·columns + k]·v[at + k] for `rows` rows. */
export function addProduct(
  out: Float64Array,
  m: Float64Array,
  from: number,
  columns: number,
  v: Float64Array,
  at: number,
): void {
  for (let i = 0, row = from; i < out.length; i++, row += columns) {
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += (m[row + k] as number) * (v[at + k] as number);
    out[i] = (out[i] as number) + sum;
  }
}

/** One step of one sequence: from W·x + Wb to the next hidden state, in place. */
export type Step = (projected: Float64Array, hidden: Float64Array) => void;

interface RecurrentTensors {
  readonly x: HostTensor;
  readonly w: HostTensor;
  readonly r: HostTensor;
  readonly b?: HostTensor | undefined;
  readonly sequence_lens?: HostTensor | undefined;
  readonly initial_h?: HostTensor | undefined;
}

/** Runs every sequence in every direction; `cell` makes the step of a sequence. Gives all hidden states and the last. */
export function runRecurrent(
  { x, w, r, b, sequence_lens, initial_h }: RecurrentTensors,
  { direction }: RecurrentAttributes,
  cell: (direction: number, sequence: number) => Step,
): [Float64Array, Float64Array] {
  const [length, batch, inputs] = x.shape as [number, number, number];
  const [count, rows, hidden] = r.shape as [number, number, number];
  const [input, weights] = [toF64(x), toF64(w)];
  const [bias, lengths] = [b && toF64(b), sequence_lens && toF64(sequence_lens)];
  const first = initial_h && toF64(initial_h);
  const all = new Float64Array(length * count * batch * hidden);
  const last = new Float64Array(count * batch * hidden);
  const projected = new Float64Array(rows);
  for (let d = 0; d < count; d++) {
    const backward = direction === 'reverse' || d === 1;
    for (let n = 0; n < batch; n++) {
      const step = cell(d, n);
      const steps = Math.min(lengths ? (lengths[n] as number) : length, length);
      const state = last.subarray((d * batch + n) * hidden, (d * batch + n + 1) * hidden);
      if (first) state.set(first.subarray((d * batch + n) * hidden, (d * batch + n + 1) * hidden));
      for (let i = 0; i < steps; i++) {
        const t = backward ? steps - 1 - i : i;
        if (bias) projected.set(bias.subarray(d * 2 * rows, d * 2 * rows + rows));
        else projected.fill(0);
        addProduct(projected, weights, d * rows * inputs, inputs, input, (t * batch + n) * inputs);
        step(projected, state);
        all.set(state, ((t * count + d) * batch + n) * hidden);
      }
    }
  }
  return [all, last];
}

/** Multiply-adds of all gates in every step. */
export const recurrentCost = ({ x, w, r }: RecurrentTypes) => ({
  multiplyAdds: knownCount(x.shape.slice(0, 2)) * (knownCount(w.shape) + knownCount(r.shape)),
});

/** The operands that every recurrent ONNX operator begins with, the time first. */
export function readOperands(node: OnnxNode, layout: number) {
  return {
    x: timeFirst(node, layout, 0) ?? node.refuse('no input'),
    w: node.input(1),
    r: node.input(2),
    b: node.optionalInput(3),
    sequence_lens: node.optionalInput(4),
    initial_h: timeFirst(node, layout, 5),
  };
}

/** What an ONNX node says about direction, activations and clipping; `defaults` are those of one direction. */
export function readRecurrent(node: OnnxNode, defaults: readonly string[]) {
  const direction = node.string('direction', 'forward').toLowerCase();
  const count = directionsOf(direction);
  const all = Array.from({ length: count }, () => defaults).flat();
  const named = node.strings('activations', all).map((name) => canonical(node, name));
  const [alphas, betas] = [[...node.floats('activation_alpha', [])], [...node.floats('activation_beta', [])]];
  const parameters = named.map((name) => {
    const { alpha, beta } = activations[name] as ActivationInfo;
    return {
      alpha: alpha === undefined ? 0 : (alphas.shift() ?? alpha),
      beta: beta === undefined ? 0 : (betas.shift() ?? beta),
    };
  });
  // The size of the hidden state is that of the recurrent weights.
  node.int('hidden_size', 0);
  return {
    direction,
    activations: named,
    alphas: parameters.map(({ alpha }) => alpha),
    betas: parameters.map(({ beta }) => beta),
    clip: node.hasAttribute('clip') && node.float('clip') > 0 ? node.float('clip') : Infinity,
  };
}

/** Writes a recurrent op as the ONNX operator with the operands that are named, in order. */
export function writeRecurrent(
  writer: OnnxWriter,
  operator: string,
  op: Op,
  inputs: readonly (string | undefined)[],
  { direction, activations: names, alphas, betas, clip }: RecurrentAttributes,
  int: Readonly<Record<string, number>> = {},
): readonly string[] {
  const hidden_size = Number((op.operand(2).type as TensorType).shape[2]);
  const given = (key: 'alpha' | 'beta', values: readonly number[]) =>
    values.filter((_, i) => (activations[names[i] as string] as ActivationInfo)[key] !== undefined);
  return writer.nodes(operator, inputs, op.results.length, {
    string: { direction },
    strings: { activations: names },
    floats: { activation_alpha: given('alpha', alphas), activation_beta: given('beta', betas) },
    float: clip < Infinity ? { clip } : {},
    int: { hidden_size, ...int },
  });
}

/** The name of an activation as this file has it; ONNX does not tell upper from lower case. */
function canonical(node: OnnxNode, name: string): string {
  const found = Object.keys(activations).find((known) => known.toLowerCase() === name.toLowerCase());
  return found ?? node.refuse(`the activation ${name}`, `supported: ${Object.keys(activations).join(', ')}`);
}

/** Operands with the time first; with `layout` = 1 the batch comes first in the model. */
export function timeFirst(node: OnnxNode, layout: number, i: number): Value | undefined {
  const x = node.optionalInput(i);
  return x && layout === 1 ? node.create(transpose, { x }, { perm: [1, 0, 2] }).result : x;
}

/** Results as the model lays them out: all states, then the last ones. */
export function laidOut(node: OnnxNode, layout: number, [all, ...last]: readonly Value[]): Value[] {
  if (layout !== 1) return [all as Value, ...last];
  const moved = (x: Value, perm: readonly number[]): Value => node.create(transpose, { x }, { perm }).result;
  return [moved(all as Value, [2, 0, 1, 3]), ...last.map((x) => moved(x, [1, 0, 2]))];
}
