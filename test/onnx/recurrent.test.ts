import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { type Case, expectAgreement, fixed, floats, type Input, modelOf } from './oneNode.ts';

// Recurrent operators against onnxruntime: 5 steps, 3 sequences, 4 inputs, 6 hidden states.

const [steps, batch, inputs, hidden] = [5, 3, 4, 6];
const gatesOf = { RNN: 1, GRU: 3, LSTM: 4 } as const;
type Operator = keyof typeof gatesOf;

/** x, w, r, b for a count of directions. */
function base(op: Operator, directions: number, bias = true): Input[] {
  const rows = gatesOf[op] * hidden;
  return [
    floats([steps, batch, inputs]),
    fixed(floats([directions, rows, inputs])),
    fixed(floats([directions, rows, hidden])),
    bias ? fixed(floats([directions, 2 * rows])) : undefined,
  ];
}

const lengths: HostTensor = { dtype: 'i32', shape: [batch], data: Int32Array.of(5, 2, 4) };

const outputsOf = (op: Operator) => (op === 'LSTM' ? ['y', 'y_h', 'y_c'] : ['y', 'y_h']);
const state = (directions: number) => floats([directions, batch, hidden]);

const plain = (op: Operator, direction: string): Case => ({
  name: `${op}, ${direction}, with lengths and initial states`,
  op,
  domain: '',
  outputs: outputsOf(op),
  attributes: { hidden_size: hidden, direction },
  inputs: [
    ...base(op, direction === 'bidirectional' ? 2 : 1),
    lengths,
    ...(op === 'LSTM' ? [0, 1] : [0]).map(() => state(direction === 'bidirectional' ? 2 : 1)),
  ],
});

const operators: readonly Operator[] = ['RNN', 'GRU', 'LSTM'];
const directions = ['forward', 'reverse', 'bidirectional'];

const special: readonly Case[] = [
  {
    name: 'LSTM with peepholes',
    op: 'LSTM',
    domain: '',
    outputs: outputsOf('LSTM'),
    attributes: { hidden_size: hidden },
    inputs: [...base('LSTM', 1), undefined, state(1), state(1), fixed(floats([1, 3 * hidden]))],
  },
  {
    name: 'LSTM with a clip',
    op: 'LSTM',
    domain: '',
    outputs: outputsOf('LSTM'),
    attributes: { hidden_size: hidden, clip: 0.75 },
    inputs: [...base('LSTM', 1), undefined, state(1), state(1)],
  },
  {
    name: 'GRU with a clip',
    op: 'GRU',
    domain: '',
    outputs: outputsOf('GRU'),
    attributes: { hidden_size: hidden, clip: 0.75 },
    inputs: base('GRU', 1),
  },
  {
    name: 'LSTM without biases and with coupled gates',
    op: 'LSTM',
    domain: '',
    outputs: outputsOf('LSTM'),
    attributes: { hidden_size: hidden, input_forget: 1 },
    inputs: base('LSTM', 1, false),
  },
  {
    name: 'GRU with the reset after the matrix',
    op: 'GRU',
    domain: '',
    outputs: outputsOf('GRU'),
    attributes: { hidden_size: hidden, linear_before_reset: 1, direction: 'bidirectional' },
    inputs: base('GRU', 2),
  },
];

/** The same with batch and time exchanged. */
function exchanged({ shape: [a = 0, b = 0, c = 0], data, dtype }: HostTensor): HostTensor {
  const moved = Float32Array.from({ length: a * b * c }, (_, i) => {
    const [j, k] = [Math.floor(i / c) % a, Math.floor(i / (a * c))];
    return (data as Float32Array)[(j * b + k) * c + (i % c)] as number;
  });
  return { dtype, shape: [b, a, c], data: moved };
}

describe('recurrent operators agree with onnxruntime', () => {
  it.each(operators.flatMap((op) => directions.map((direction) => plain(op, direction))))('$name', expectAgreement);
  it.each(special)('$name', expectAgreement);

  it('layout = 1 is the same with the batch first', () => {
    const [x, ...weights] = base('GRU', 1);
    const make = (layout: number, input: Input) =>
      modelOf({
        name: '',
        op: 'GRU',
        domain: '',
        outputs: ['y', 'y_h'],
        attributes: { hidden_size: hidden, layout },
        inputs: [input, ...weights],
      });
    const first = x as HostTensor;
    const run = (bytes: Uint8Array, x0: HostTensor) => interpret(importOnnx(bytes, { registry }), { x0 });
    const timeFirst = run(make(0, first), first);
    const batchFirst = run(make(1, exchanged(first)), exchanged(first));
    expect(batchFirst.y?.shape).toEqual([batch, steps, 1, hidden]);
    expect(exchanged(batchFirst.y_h as HostTensor)).toEqual(timeFirst.y_h);
  });

  it('refuses an activation that it does not know, with those that it does', () => {
    const bytes = modelOf({ ...plain('RNN', 'forward'), attributes: { activations: 'Cosine' } });
    expect(() => importOnnx(bytes, { registry })).toThrow(/activations/);
  });
});
