import { describe, expect, it } from 'vitest';
import { parseStates } from '../../src/api/states.ts';
import { loadDataset } from '../../src/calibrate/data/index.ts';
import { runCSteps } from '../../src/cli/host/c.ts';
import {
  compile,
  declareStates,
  importOnnx,
  inputSignature,
  instantiate,
  parse,
  print,
  writeNpy,
} from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { floats, modelOf, node, type Port } from './model.ts';
import { relativeError, session, type Tensors } from './onnxruntime.ts';

const vector = (name: string): Port => [name, 'f32', [1, 5]];

/** A recurrent layer, a running sum, two states that change places, and one that returns the input. */
const bytes = modelOf(
  [
    node('MatMul', ['x', 'w'], ['xw']),
    node('MatMul', ['h', 'u'], ['hu']),
    node('Add', ['xw', 'hu'], ['s']),
    node('Tanh', ['s'], ['hN']),
    node('Add', ['sum', 'x'], ['sumN']),
    node('Add', ['hN', 'left'], ['y1']),
    node('Add', ['y1', 'sumN'], ['y2']),
    node('Add', ['y2', 'last'], ['y']),
    node('Identity', ['right'], ['leftN']),
    node('Add', ['left', 'x'], ['rightN']),
    node('Identity', ['x'], ['lastN']),
  ],
  ['x', 'h', 'sum', 'left', 'right', 'last'].map(vector),
  ['y', 'hN', 'sumN', 'leftN', 'rightN', 'lastN'].map(vector),
  { w: floats([5, 5], 3), u: floats([5, 5], 8) },
);
const state = { hN: 'h', sumN: 'sum', leftN: 'left', rightN: 'right', lastN: 'last' };
const zero: HostTensor = { dtype: 'f32', shape: [1, 5], data: new Float32Array(5) };
const steps = Array.from({ length: 50 }, (_, i) => floats([1, 5], i + 20));

/** What onnxruntime answers when every state is handed back to it. */
async function expected(): Promise<HostTensor[]> {
  const run = await session(bytes);
  let states: Tensors = { h: zero, sum: zero, left: zero, right: zero, last: zero };
  const answers: HostTensor[] = [];
  for (const x of steps) {
    const results = await run({ x, ...states });
    answers.push(results.y as HostTensor);
    states = Object.fromEntries(Object.entries(state).map(([out, name]) => [name, results[out] as HostTensor]));
  }
  return answers;
}

const worst = (actual: readonly (HostTensor | undefined)[], wanted: readonly HostTensor[]) =>
  Math.max(...wanted.map((tensor, i) => relativeError(actual[i] ?? zero, tensor)));

describe('a program with states', () => {
  it('agrees with onnxruntime over 50 steps in wasm, goes back to a saved state and begins anew', async () => {
    const artifact = await compile(importOnnx(bytes), { target: 'wasm', state });
    const { signature, stateBytes } = artifact.manifest;
    expect(signature.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(signature.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(signature.states?.map(({ name, output }) => [output, name])).toEqual(Object.entries(state));
    expect(stateBytes).toBe(5 * 64);
    const model = await instantiate(artifact.files);
    const run = (x: HostTensor) => model.run({ x }).y;
    const wanted = await expected();
    expect(worst(steps.map(run), wanted)).toBeLessThan(1e-5);
    model.reset();
    const first = steps.slice(0, 20).map(run);
    expect(worst(first, wanted.slice(0, 20))).toBeLessThan(1e-5);
    const saved = model.saveState();
    const ahead = steps.slice(20).map(run);
    model.loadState(saved);
    expect(steps.slice(20).map(run)).toEqual(ahead);
    expect(worst(ahead, wanted.slice(20))).toBeLessThan(1e-5);
  }, 60_000);

  it('agrees with onnxruntime over 50 steps in C, its self-test first', async () => {
    const { files, manifest } = await compile(importOnnx(bytes), { target: 'c', state });
    const signature = manifest.c;
    if (!signature) throw new Error('no C signature');
    const results = runCSteps(
      { files, signature },
      steps.map((x) => [x]),
      { selftest: true },
    );
    expect(
      worst(
        results.map(([y]) => y),
        await expected(),
      ),
    ).toBeLessThan(1e-5);
  });

  it('writes states where they stay, without copies, when nothing reads the old ones later', async () => {
    const module = importOnnx(bytes);
    const { files } = await compile(module, { target: 'wasm', state });
    const copies = [...module.functions.keys()].filter((name) => name.startsWith('relayout'));
    const launched = [...module.main.body.ops()].filter(
      (op) => op.name === 'kernel.launch' && copies.includes(`${op.attributes.kernel}`),
    );
    expect(files.size).toBe(4);
    // The results that are inputs themselves, and of the two that change places the one that is read afterwards.
    expect(launched.length).toBeLessThanOrEqual(5);
  });

  it('declares states in the typings and keeps them in the text form', async () => {
    const { files } = await compile(importOnnx(bytes), { target: 'wasm', state });
    const typings = new TextDecoder().decode(files.get('model.d.ts'));
    expect(typings).toContain('reset(): void;');
    expect(typings).toContain('saveState(): States;');
    const module = importOnnx(bytes);
    declareStates(module, state);
    const { text, bin } = print(module);
    expect(text).toContain('state hN -> h\n');
    expect(parse(text, bin ? { bin } : {}).states).toEqual(module.states);
  });

  it('carries states through calibration: streams begin at zero, and a range covers what a state grows to', async () => {
    const module = importOnnx(bytes);
    declareStates(module, state);
    const ones = writeNpy({ dtype: 'f32', shape: [3, 40, 5], data: new Float32Array(600).fill(1) });
    const files = { readFile: () => ones, listFolder: () => undefined };
    const calibration = loadDataset(['x.npy'], inputSignature(module), files);
    expect(calibration.length).toBe(120);
    expect([0, 1, 40, 41].map((i) => 'sum' in calibration.sample(i))).toEqual([true, false, true, false]);
    const artifact = await compile(module, { target: 'wasm', scheme: 'w8a8', calibration });
    const model = await instantiate(artifact.files);
    const run = await session(bytes);
    let states: Tensors = { h: zero, sum: zero, left: zero, right: zero, last: zero };
    const x: HostTensor = { dtype: 'f32', shape: [1, 5], data: new Float32Array(5).fill(1) };
    for (let step = 0; step < 40; step++) {
      const results = await run({ x, ...states });
      states = Object.fromEntries(Object.entries(state).map(([out, name]) => [name, results[out] as HostTensor]));
      expect(relativeError(model.run({ x }).y as HostTensor, results.y as HostTensor)).toBeLessThan(0.03);
    }
  });
});

describe('what cannot be a state is refused', () => {
  const declare = (states: Readonly<Record<string, string>>) => () => declareStates(importOnnx(bytes), states);
  const other = modelOf(
    [node('Concat', ['x', 'h'], ['hN'], [{ name: 'axis', type: 'int', value: 1n }])],
    [vector('x'), vector('h')],
    [['hN', 'f32', [1, 10]]],
  );

  it.each([
    ['an unknown output', declare({ hM: 'h' }), /no output 'hM'[\s\S]*did you mean 'hN'/],
    ['an unknown input', declare({ hN: 'sun' }), /no input 'sun'[\s\S]*did you mean 'sum'/],
    ['an input that two outputs become', declare({ hN: 'h', sumN: 'h' }), /'h' has two states/],
    ['another shape', () => declareStates(importOnnx(other), { hN: 'h' }), /'hN' cannot become the input 'h'/],
  ])('%s', (_, refused, message) => {
    expect(refused).toThrow(message);
  });

  it.each(['hN', '=h', 'hN='])('on the command line: %s', (text) => {
    expect(() => parseStates(importOnnx(bytes), [text])).toThrow(/is no state[\s\S]*OUT=IN/);
    expect(parseStates(importOnnx(bytes), ['hN=h'])).toEqual({ hN: 'h' });
  });

  it('at run time: a state among the inputs, and one of another shape', async () => {
    const { files } = await compile(importOnnx(bytes), { target: 'wasm', state });
    const model = await instantiate(files);
    const x = steps[0] as HostTensor;
    expect(() => model.run({ x, h: zero })).toThrow(/'h' is a state of the program/);
    expect(() => model.loadState({ g: zero })).toThrow(/no state 'g'/);
    expect(() => model.loadState({ h: floats([5]) })).toThrow(/the state 'h' has the shape \[5\]/);
  });
});
