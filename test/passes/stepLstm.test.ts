import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { GraphBuilder, input, opNames, transform, wave } from '../quant/graphs.ts';

const [batch, inputs, hidden] = [2, 3, 4];

/** An LSTM over [length, 2, 3], its state after the last step [D, 2, 4]. */
function recurrent(length: number, direction: string, states: boolean) {
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
    tensor([d, 4 * hidden, inputs], 1),
    tensor([d, 4 * hidden, hidden], 2),
    tensor([d, 8 * hidden], 3),
  ];
  const attributes = {
    direction,
    activations: Array.from({ length: d }, () => ['Sigmoid', 'Tanh', 'Tanh']).flat(),
    alphas: new Array<number>(3 * d).fill(0),
    betas: new Array<number>(3 * d).fill(0),
  };
  const [, last, cell] = graph.results(nn.lstm, [...operands, undefined, state(4), state(5)], attributes);
  const ends = graph.op(nn.concat, [last, cell], { axis: 0 });
  return { graph, module: graph.finish(ends) };
}

const x = (length: number) => input([length, batch, inputs], wave(length * batch * inputs, 9));

describe('step-lstm', () => {
  it.each([
    ['forward', true],
    ['reverse', false],
    ['bidirectional', true],
  ] as const)('writes one %s step as products and a cell, with states: %s', async (direction, states) => {
    const { module } = recurrent(1, direction, states);
    const before = interpret(module, { x: x(1) }).y as HostTensor;
    for (const pipeline of ['step-lstm', 'decompose']) {
      await transform(module, pipeline);
      const after = interpret(module, { x: x(1) }).y as HostTensor;
      (before.data as Float32Array).forEach((v, i) => {
        expect(Math.abs(v - (after.data[i] as number))).toBeLessThanOrEqual(1e-6);
      });
    }
    expect(opNames(module)).not.toContain('nn.lstm');
    expect(opNames(module)).not.toContain('nn.lstm_cell');
  });

  it('leaves sequences alone', async () => {
    const { module } = recurrent(3, 'forward', true);
    await transform(module, 'step-lstm');
    expect(opNames(module)).toContain('nn.lstm');
  });
});
