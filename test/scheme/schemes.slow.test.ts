import { describe, expect, it } from 'vitest';
import { copyPrepared, finish, prepare } from '../../src/api/compile.ts';
import { diagnose } from '../../src/api/diagnose.ts';
import { instantiate } from '../../src/api/instantiate.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { type Recipe, type SchemeName, schemeNames, schemes } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { input, wave } from '../quant/graphs.ts';
import { calibration, network } from './network.ts';

const sample = { x: input([1, 64], wave(64, 77)) };

const outputOf = (module: Module): Float32Array => (interpret(module, sample).y as HostTensor).data as Float32Array;

const expected = outputOf(network().module);

function decibels(actual: ArrayLike<number>): number {
  const [signal, noise] = [
    expected.reduce((s, v) => s + v * v, 0),
    expected.reduce((s, v, i) => s + (v - (actual[i] as number)) ** 2, 0),
  ];
  return 10 * Math.log10(signal / noise);
}

/** Signal-to-noise that each scheme must reach on three products in a row, in dB. */
const least: Readonly<Record<Exclude<SchemeName, 'float'>, number>> = {
  w8a8: 25,
  int8: 25,
  'w8a8-dynamic': 30,
  w4a8: 12,
  w8a16: 35,
  w4a16: 12,
  w3a16: 6,
  w2a16: 0,
  fp8: 15,
  nf4: 12,
  mxfp8: 18,
  mxfp6: 20,
  mxfp4: 8,
  nvfp4: 10,
  ternary: 0,
};

const recipes: Readonly<Record<string, Recipe>> = {
  asymmetric: { scheme: 'w4a16', weights: { symmetric: false, group: 16 } },
  'asymmetric codes': { scheme: 'w4a8', weights: { symmetric: false, group: 16 }, activations: { symmetric: true } },
  'least error': { scheme: 'w4a16', weights: { range: 'mse' } },
  'least error, asymmetric': { scheme: 'w4a8', weights: { range: 'mse', symmetric: false } },
  'one scale': { scheme: 'w4a16', weights: { granularity: 'tensor', group: undefined } },
  'powers of two': { scheme: 'w4a8', weights: { scale: 'power-of-two', storage: 'i8' }, activations: 'float' },
  'microscaled activations': {
    scheme: 'mxfp4',
    activations: { storage: 'e2m3', granularity: 'group', group: 32, scale: 'power-of-two' },
  },
  'blocks that do not fill rows': {
    scheme: 'nvfp4',
    activations: { storage: 'e3m2', granularity: 'group', group: 24, scale: 'e4m3' },
  },
  'small floats by row': { scheme: 'w8a16', activations: { storage: 'e5m2', granularity: 'token' } },
  'learned rounding': { scheme: 'w3a16', weights: { rounding: 'adaround' } },
  'levels and codes': { scheme: 'nvfp4', activations: {} },
  'static and stored': { scheme: 'w8a8', layers: [{ match: 'layer 5', scheme: 'w4a8' }] },
};

const all: [string, SchemeName | Recipe, number][] = [
  ...schemeNames
    .filter((name) => name !== 'float')
    .map((name): [string, SchemeName, number] => [name, name, least[name]]),
  ...Object.entries(recipes).map(([name, recipe]): [string, Recipe, number] => [name, { name, ...recipe }, 5]),
];

describe('every scheme', () => {
  it.each(all)('%s: the program answers as the interpreter does, near float', async (_, scheme, dB) => {
    const prepared = await prepare(network().module, { scheme, calibration });
    const constants = [...prepared.module.ops()].filter(({ name }) => name === 'nn.constant');
    expect(constants.every(({ result }) => result.uses.size > 0)).toBe(true);
    const own = copyPrepared(prepared);
    const reference = outputOf(own.module);
    expect(decibels(reference)).toBeGreaterThan(dB);
    const { files } = await finish(prepared, { target: 'wasm' });
    const instance = await instantiate(files);
    const actual = (instance.run(sample).y as HostTensor).data as Float32Array;
    const most = Math.max(...reference.map(Math.abs));
    actual.forEach((y, i) => {
      expect(Math.abs(y - (reference[i] as number)) / most).toBeLessThan(2e-5);
    });
  });

  it('says what it is in one phrase', () => {
    for (const { name, summary } of Object.values(schemes)) expect(summary, name).toMatch(/^[^.]{10,}[^.]$/);
  });
});

it('stores fewer bytes with fewer bits', async () => {
  const sizes: number[] = [];
  for (const scheme of ['float', 'w8a16', 'w4a16', 'w3a16', 'w2a16'] as const) {
    const { manifest } = await finish(await prepare(network().module, { scheme }), { target: 'wasm' });
    sizes.push(manifest.weightsBytes);
  }
  const bits = sizes.map((bytes) => (bytes * 8) / (3 * 4096));
  [32, 8, 5, 4.5, 3.5].forEach((expectedBits, i) => {
    expect(Math.abs((bits[i] as number) - expectedBits)).toBeLessThan(1.1);
  });
});

describe('looking for the error', () => {
  const measured = { calibration, dataset: [sample] };

  it('finds the layer whose stored weights do most harm', async () => {
    const { module, layers } = network();
    const scheme: Recipe = { scheme: 'w8a16', layers: [{ match: layers[1] as string, scheme: 'ternary' }] };
    const { layers: found } = await diagnose(module, { ...measured, scheme });
    expect(found.map(({ node }) => node).sort()).toEqual(layers.toSorted());
    expect(found[0]).toMatchObject({ node: layers[1], cause: 'weights' });
  });

  it('refuses activations that are quantized at run time', async () => {
    const { module } = network();
    await expect(diagnose(module, { ...measured, scheme: 'w4a8' })).rejects.toThrow(/at run time[\s\S]*w4a16/);
  });
});
