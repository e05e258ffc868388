import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { OpDefinition } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { GraphBuilder, input, opNames, transform, wave } from '../quant/graphs.ts';

const [batch, inputs, hidden] = [2, 3, 4];

const layers = {
  rnn: { op: nn.rnn, gates: 1, functions: ['Tanh'], attributes: {} },
  'rnn of relu': { op: nn.rnn, gates: 1, functions: ['Relu'], attributes: {} },
  gru: { op: nn.gru, gates: 3, functions: ['Sigmoid', 'Tanh'], attributes: {} },
  'gru, reset late': {
    op: nn.gru,
    gates: 3,
    functions: ['Sigmoid', 'Tanh'],
    attributes: { linear_before_reset: true },
  },
  lstm: { op: nn.lstm, gates: 4, functions: ['Sigmoid', 'Tanh', 'Tanh'], attributes: {} },
};

/** A layer over [length, 2, 3]; its states, then those after the last step. */
function recurrent(name: keyof typeof layers, length: number, direction: string, states: boolean) {
  const { op, gates, functions, attributes } = layers[name];
  const graph = new GraphBuilder([length, batch, inputs]);
  const d = direction === 'bidirectional' ? 2 : 1;
  const tensor = (shape: number[], seed: number) =>
    graph.constant(
      shape,
      wave(
        shape.reduce((a, b) => a * b),
        seed,
      ),
    );
  const state = (seed: number) => (states ? tensor([d, batch, hidden], seed) : undefined);
  const operands = [
    graph.x,
    tensor([d, gates * hidden, inputs], 1),
    tensor([d, gates * hidden, hidden], 2),
    tensor([d, 2 * gates * hidden], 3),
  ];
  const given = {
    direction,
    activations: Array.from({ length: d }, () => functions).flat(),
    alphas: new Array<number>(functions.length * d).fill(0),
    betas: new Array<number>(functions.length * d).fill(0),
    ...attributes,
  };
  const initial = [undefined, state(4), ...(gates === 4 ? [state(5)] : [])];
  const [y, ...last] = graph.results(op as OpDefinition, [...operands, ...initial], given);
  const rows = [length * d * batch, ...last.map(() => d * batch)];
  const flat = [y, ...last].map((part, i) => graph.op(nn.reshape, [part], { shape: [rows[i] as number, hidden] }));
  return graph.finish(graph.op(nn.concat, flat, { axis: 0 }));
}

const x = (length: number) => input([length, batch, inputs], wave(length * batch * inputs, 9));

describe('step-recurrent', () => {
  const names = Object.keys(layers) as (keyof typeof layers)[];
  const cases = names.flatMap((name) =>
    (
      [
        [1, 'forward', true],
        [3, 'forward', false],
        [2, 'reverse', false],
        [3, 'bidirectional', true],
      ] as const
    ).map((rest) => [name, ...rest] as const),
  );

  it.each(cases)(
    'writes %s, %i steps, %s, as products and cells, with states: %s',
    async (name, length, direction, states) => {
      const module = recurrent(name, length, direction, states);
      const before = interpret(module, { x: x(length) }).y as HostTensor;
      for (const pipeline of ['step-recurrent{most=3}', 'decompose']) {
        await transform(module, pipeline);
        const after = interpret(module, { x: x(length) }).y as HostTensor;
        (before.data as Float32Array).forEach((v, i) => {
          expect(Math.abs(v - (after.data[i] as number))).toBeLessThanOrEqual(1e-6);
        });
      }
      expect(opNames(module).filter((op) => /rnn|gru|lstm/.test(op))).toEqual([]);
    },
  );

  it('leaves longer sequences alone', async () => {
    const module = recurrent('lstm', 3, 'forward', true);
    await transform(module, 'step-recurrent');
    expect(opNames(module)).toContain('nn.lstm');
  });
});
