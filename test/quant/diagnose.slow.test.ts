import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { storeRange } from '../../src/calibrate/index.ts';
import { diagnose, type Recipe } from '../../src/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import { GraphBuilder, input, wave } from './graphs.ts';

/** A network of layers, and the names of those, in order. */
interface Network {
  readonly module: Module;
  readonly layers: readonly string[];
}

/** Otherwise 16 bits would make up for ranges that are spoiled. */
const narrowCodes: Recipe = { scheme: 'w8a8', activations: { leastSnr: 0 } };

const dead = -4;
const channels = 4;

/** Numbers for the first channel, which is dead: nothing on the data comes of it, so a weight that reads it is free. */
const bias = (seed: number) => [dead, ...wave(channels - 1, seed).map((v) => 0.3 + v / 8)];

/** Convolutions one after the other. `spoiled` has one huge weight a channel, for the dead channel: no code is left. */
function chain(count: number, spoiled?: number): Network {
  const graph = new GraphBuilder([1, channels, 6, 6]);
  const layers: string[] = [];
  let x: Value = graph.x;
  for (let k = 0; k < count; k++) {
    const weights = wave(channels * channels * 9, 10 + k).map((v) => v / 4);
    for (let out = 0; out < channels; out++) if (spoiled === k) weights[out * channels * 9] = 60;
    const w = graph.constant([channels, channels, 3, 3], weights);
    const same = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };
    x = graph.op(nn.conv, [x, w, graph.constant([channels], bias(30 + k))], { ...same, clamp: [0, 6] });
    layers.push(x.op?.source ?? '');
  }
  return { module: graph.finish(x), layers };
}

/** Matrix products with a sum around two of them. */
function perceptron(spoiled?: number): Network {
  const graph = new GraphBuilder([1, channels]);
  const layers: string[] = [];
  const layer = (x: Value): Value => {
    const k = layers.length;
    const weights = wave(channels * channels, 50 + k);
    for (let out = 0; out < channels; out++) if (spoiled === k) weights[out] = 90;
    const operands = [x, graph.constant([channels, channels], weights), graph.constant([channels], bias(70 + k))];
    const y = graph.op(nn.matmul, operands, { clamp: [0, 8] });
    layers.push(y.op?.source ?? '');
    return y;
  };
  const first = layer(graph.x);
  const sum = graph.op(nn.add, [first, layer(layer(first))]);
  return { module: graph.finish(layer(sum)), layers };
}

/** Samples whose first channel is zero. */
function samples(shape: readonly number[]) {
  const size = shape.reduce((a, b) => a * b);
  return [1, 2, 3].map((seed) => {
    const values = wave(size, seed).map((v, i) => (i < size / channels ? 0 : Math.abs(v)));
    return { x: input(shape, values) };
  });
}

const images = samples([1, channels, 6, 6]);
const vectors = samples([1, channels]);

/** Widens the range that calibration has chosen for a layer's result, so that hardly a code is left for its values. */
const widen = (layer: string) => ({
  after({ pass }: { pass: { name: string } }, module: Module) {
    if (pass.name === 'calibrate')
      storeRange(module, layer, { min: -3000, max: 3000, whole: { min: -3000, max: 3000 } });
  },
});

describe('a layer that was spoiled on purpose comes first', () => {
  it.each([0, 1, 2, 3, 4])('weights of convolution %i of 5', async (k) => {
    const { module, layers } = chain(5, k);
    const { layers: ranked } = await diagnose(module, { calibration: images, dataset: images });
    expect(ranked[0]).toMatchObject({ node: layers[k], cause: 'weights', remedy: [layers[k]] });
    expect(ranked[0]?.zeroWeights).toBeGreaterThan(0.8);
    expect(ranked.find(({ node }) => node === layers[(k + 1) % 5])?.zeroWeights).toBeLessThan(0.1);
  });

  it.each([0, 1, 2, 3])('weights of matrix product %i of 4', async (k) => {
    const { module, layers } = perceptron(k);
    const { layers: ranked } = await diagnose(module, { calibration: vectors, dataset: vectors });
    expect(ranked[0]).toMatchObject({ node: layers[k], op: 'nn.matmul', cause: 'weights' });
  });

  it.each([0, 1, 2, 3])('range of convolution %i of 5: those that read it are to stay float', async (k) => {
    const { module, layers } = chain(5);
    const instruments = [widen(layers[k] as string)];
    const diagnosis = await diagnose(module, {
      calibration: images,
      dataset: images,
      instruments,
      scheme: narrowCodes,
    });
    const [first] = diagnosis.layers;
    expect(first).toMatchObject({ node: layers[k], cause: 'values', remedy: [layers[k + 1]] });
    expect(first?.zeroValues).toBe(1);
    // The codes that the range has ruined are not made any more.
    expect(diagnosis.suggestion?.keepFloat).toEqual([layers[k + 1]]);
    expect(diagnosis.suggestion?.output.snr).toBeGreaterThan(diagnosis.output.snr + 20);
  });

  it('the range of the input', async () => {
    const instruments = [widen('x')];
    const { layers } = await diagnose(chain(3).module, {
      calibration: images,
      dataset: images,
      instruments,
      scheme: narrowCodes,
    });
    expect(layers[0]).toMatchObject({ node: 'x', op: 'quant.qcast', cause: 'values' });
  });

  it('a range that is too narrow clips', async () => {
    const { module, layers } = chain(4);
    const narrow = {
      after({ pass }: { pass: { name: string } }, quantized: Module) {
        if (pass.name === 'calibrate')
          storeRange(quantized, layers[1] as string, { min: 0, max: 0.01, whole: { min: 0, max: 0.01 } });
      },
    };
    const diagnosis = await diagnose(module, {
      calibration: images,
      dataset: images,
      scheme: narrowCodes,
      instruments: [narrow],
    });
    expect(diagnosis.layers[0]?.node).toBe(layers[1]);
    expect(diagnosis.layers[0]?.clippedValues).toBeGreaterThan(0.3);
    expect(diagnosis.layers.at(-1)?.clippedValues).toBeLessThan(0.05);
  });
});

describe('the numbers of a sound model', () => {
  it('are good everywhere, and name each layer once', async () => {
    const { module, layers } = chain(4);
    const { output, layers: found, samples: count } = await diagnose(module, { calibration: images, dataset: images });
    expect(count).toBe(3);
    expect(found.map(({ node }) => node).sort()).toEqual([...layers, 'x'].sort());
    expect(output.snr).toBeGreaterThan(25);
    for (const { damage, isolated, cumulative } of found) {
      expect(damage.snr).toBeGreaterThan(output.snr - 1);
      expect(isolated.cosine).toBeGreaterThan(0.999);
      expect(cumulative.snr).toBeGreaterThan(20);
    }
  });

  it('leave the module as it was', async () => {
    const { module } = chain(3);
    const before = [...module.ops()].map(({ name }) => name);
    await diagnose(module, { calibration: images, dataset: images });
    expect([...module.ops()].map(({ name }) => name)).toEqual(before);
  });

  it('need a layer that is quantized', async () => {
    const graph = new GraphBuilder([1, 4]);
    const module = graph.finish(graph.op(nn.softmax, [graph.x], { axis: 1 }));
    await expect(diagnose(module, { calibration: vectors, dataset: vectors })).rejects.toThrow(/no layer/);
  });
});
