import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { prepare } from '../../src/api/compile.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import { matchesName } from '../../src/support/pattern.ts';
import { GraphBuilder, input, opNames, run, transform, wave } from './graphs.ts';

const samples = [1, 2].map((seed) => input([1, 8], wave(8, seed)));

/** Three matrix products with a relu after each: `layer 2`, `layer 5` and `layer 8`. */
function network(): { module: Module; layers: string[] } {
  const graph = new GraphBuilder([1, 8]);
  const layers: string[] = [];
  let x: Value = graph.x;
  for (let k = 0; k < 3; k++) {
    const operands = [x, graph.constant([8, 8], wave(64, 10 + k)), graph.constant([8], wave(8, 20 + k))];
    x = graph.op(nn.matmul, operands, { clamp: [0, Number.POSITIVE_INFINITY] });
    layers.push(x.op?.source ?? '');
  }
  return { module: graph.finish(x), layers };
}

const pipeline = (skip: string) => `insert-observers{skip=[${skip}]},calibrate,quantize{skip=[${skip}]},to-integer`;

describe('layers that stay float', () => {
  it('are computed in float, between layers in integers', async () => {
    const { module, layers } = network();
    const float = samples.map((sample) => run(network().module, sample));
    await transform(module, pipeline(`"${layers[1]}"`), samples);
    const names = opNames(module);
    expect(names.filter((name) => name === 'nn.matmul')).toHaveLength(1);
    expect(names.filter((name) => name === 'int.matmul')).toHaveLength(2);
    const kept = [...module.ops()].find(({ name }) => name === 'nn.matmul');
    expect(kept?.source).toBe(layers[1]);
    const error = samples.flatMap((sample, i) => run(module, sample).map((y, j) => y - (float[i]?.[j] as number)));
    expect(Math.max(...error.map(Math.abs))).toBeLessThan(0.2);
  });

  it('are named by patterns too', async () => {
    const { module } = network();
    await transform(module, pipeline('"layer *"'), samples);
    expect(opNames(module)).toEqual(['nn.matmul', 'nn.matmul', 'nn.matmul']);
  });

  it.each([
    ['conv1', 'conv1', true],
    ['conv1', 'conv10', false],
    ['conv?', 'conv1', true],
    ['conv?', 'conv10', false],
    ['/block/*/Conv', '/block/3/a/Conv', true],
    ['a.b', 'axb', false],
    ['x[0]*', 'x[0]', true],
    ['*', '', true],
  ])('%s on %s: %s', (pattern, name, fits) => expect(matchesName(pattern, name)).toBe(fits));

  it('must exist', async () => {
    const { module, layers } = network();
    const message = new RegExp(`no layer is called 'laier 2'[\\s\\S]*did you mean '${layers[0]}'`);
    await expect(transform(module, pipeline('"laier 2"'), samples)).rejects.toThrow(message);
  });

  it('are reported as such, and make no sense in float', async () => {
    const { module, layers } = network();
    const calibration = samples.map((x) => ({ x }));
    const keepFloat = [layers[2] as string];
    const { work } = await prepare(module, { scheme: 'w8a8', calibration, keepFloat });
    expect(work.float).toContainEqual({ node: layers[2], op: 'nn.matmul', reason: 'it was to be kept in float' });
    await expect(prepare(network().module, { keepFloat })).rejects.toThrow(/the scheme is float/);
  });
});
