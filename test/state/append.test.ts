import { describe, expect, it } from 'vitest';
import { parseStates } from '../../src/api/states.ts';
import { loadDataset } from '../../src/calibrate/data/index.ts';
import {
  boundStates,
  compile,
  declareStates,
  importOnnx,
  inputSignature,
  instantiate,
  parse,
  print,
  type States,
  writeNpy,
} from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { axis, bytes, empty, expected, grows } from './attention.ts';
import { floats, modelOf, node } from './model.ts';
import { relativeError, session } from './onnxruntime.ts';

describe('a program with states that grow', () => {
  it('appends in place, as onnxruntime does with what is handed back', async () => {
    const dims = { T: { min: 1, max: 4 } };
    const module = importOnnx(bytes);
    const { files, manifest } = await compile(module, { target: 'wasm', dims, state: grows(9) });
    expect(manifest.stateBytes).toBe(2 * 256);
    expect(manifest.signature.states?.map(({ append }) => append)).toEqual(
      [2, 2].map(() => ({ axis: 2, symbol: 'P', next: ['+', 'T', 'P'], max: 9 })),
    );
    const model = await instantiate(files);
    const xs = [3, 1, 4, 1].map((rows, i) => floats([1, 2, rows, 3], i + 30));
    const wanted = await expected(xs);
    const check = (from: number, to = xs.length) => {
      for (let i = from; i < to; i++) {
        const answers = model.run({ x: xs[i] as HostTensor });
        expect(Object.keys(answers)).toEqual(['y', 'old', 'scores']);
        for (const [name, tensor] of Object.entries(answers)) {
          expect(tensor.shape).toEqual(wanted[i]?.[name]?.shape);
          expect(relativeError(tensor, wanted[i]?.[name] as HostTensor)).toBeLessThan(1e-5);
        }
        const { past_k, past_v } = model.saveState();
        expect(past_k?.shape).toEqual(wanted[i]?.present_k?.shape);
        expect(relativeError(past_k as HostTensor, wanted[i]?.present_k as HostTensor)).toBeLessThan(1e-5);
        expect(relativeError(past_v as HostTensor, wanted[i]?.present_v as HostTensor)).toBeLessThan(1e-5);
      }
    };
    check(0);
    // 9 of 9 are there: nothing more fits, and nothing has changed
    expect(() => model.run({ x: xs[1] as HostTensor })).toThrow(/the state is full: P is 9[\s\S]*make it 10/);
    expect(model.saveState().past_k?.shape).toEqual([1, 2, 9, 3]);
    model.reset();
    expect(model.saveState().past_k).toEqual(empty);
    check(0, 2);
    const saved = model.saveState();
    check(2);
    model.loadState(saved);
    check(2);
  }, 60_000);

  it('takes states from elsewhere, and says what does not fit', async () => {
    const { files } = await compile(importOnnx(bytes), { target: 'wasm', dims: { T: 1 }, state: grows(5) });
    const model = await instantiate(files);
    const x = floats([1, 2, 1, 3], 7);
    const past = { past_k: floats([1, 2, 4, 3], 8), past_v: floats([1, 2, 4, 3], 9) };
    const wanted = await (await session(bytes))({ x, ...past });
    model.loadState(past);
    expect(relativeError(model.run({ x }).y as HostTensor, wanted.y as HostTensor)).toBeLessThan(1e-5);
    expect(() => model.run({ x })).toThrow(/the state is full/);
    expect(() => model.loadState({ past_k: floats([1, 2, 3, 3]) })).toThrow(/"past_v" is missing/);
    expect(() => model.loadState({ past_k: floats([1, 2, 6, 3]), past_v: floats([1, 2, 6, 3]) })).toThrow(
      /36 elements/,
    );
    expect(() => model.loadState({ past_k: floats([1, 3, 2, 3]) })).toThrow(/has the shape \[1, 3, 2, 3\]/);
    expect(() => model.run({ x: floats([1, 2, 2, 3]) })).toThrow(/'x' has the shape/);
  }, 60_000);

  it('writes new elements alone: nothing is joined', async () => {
    const module = importOnnx(bytes);
    await compile(module, { target: 'wasm', dims: { T: 1 }, state: grows(5) });
    const launched = [...module.main.body.ops()].map((op) => op.attributes.op);
    expect(launched.filter((name) => name === 'nn.append').length).toBe(2);
    expect(launched).not.toContain('nn.concat');
  }, 60_000);

  it('keeps how a state grows in the text form', async () => {
    const module = importOnnx(bytes, { symbols: { T: 1 } });
    boundStates(module, grows(512));
    declareStates(module, grows(512));
    const { text, bin } = print(module);
    expect(text).toContain('state present_k -> past_k {axis = 2, max = 512}\n');
    expect(parse(text, bin ? { bin } : {}).states).toEqual(module.states);
  });

  it('is calibrated on streams, each of which begins empty', async () => {
    const module = importOnnx(bytes, { symbols: { T: 1 } });
    boundStates(module, grows(20));
    declareStates(module, grows(20));
    const [streams, steps] = [3, 20];
    const data = floats([streams, steps, 1, 2, 1, 3], 5);
    const files = { readFile: () => writeNpy(data), listFolder: () => undefined };
    const calibration = loadDataset(['x.npy'], inputSignature(module), files);
    expect(calibration.sample(steps).past_k?.shape).toEqual([1, 2, 0, 3]);
    const artifact = await compile(module, { target: 'wasm', scheme: 'w8a8', calibration });
    const model = await instantiate(artifact.files);
    const xs = Array.from({ length: steps }, (_, i) => calibration.sample(i).x as HostTensor);
    const wanted = await expected(xs);
    let worst = 0;
    xs.forEach((x, i) => {
      worst = Math.max(worst, relativeError(model.run({ x }).y as HostTensor, wanted[i]?.y as HostTensor));
    });
    expect(worst).toBeLessThan(0.1);
  }, 60_000);
});

describe('what cannot grow is refused', () => {
  const declare = (states: States) => () => {
    const module = importOnnx(bytes, { symbols: { T: 1 } });
    boundStates(module, states);
    declareStates(module, states);
  };
  const one = (input: string, at: number, max: number): States => ({ present_k: { input, append: { axis: at, max } } });

  it.each([
    ['an unknown input', declare(one('past_q', 2, 9)), /no input 'past_q'[\s\S]*did you mean/],
    ['an axis that is not there', declare(one('past_k', 4, 9)), /no axis 4[\s\S]*axes are 0 to 3/],
    ['an axis of one size', declare(one('past_k', 1, 9)), /cannot grow along axis 1[\s\S]*is 2/],
    ['nothing at most', declare(one('past_k', 2, 0)), /cannot hold 0/],
    [
      'an output of other sizes',
      declare({ scores: { input: 'past_k', append: { axis: 2, max: 9 } } }),
      /'scores' is not the input 'past_k'/,
    ],
    [
      'states of one size that hold more and less',
      declare({ ...grows(9), present_v: { input: 'past_v', append: { axis: 2, max: 8 } } }),
      /grow together and hold 9 and 8/,
    ],
  ])('%s', (_, refused, message) => {
    expect(refused).toThrow(message);
  });

  it('an output that is no concatenation behind the state', async () => {
    const turned = modelOf(
      [node('Concat', ['x', 'past'], ['present'], axis(1)), node('Identity', ['x'], ['y'])],
      [
        ['x', 'f32', [1, 1]],
        ['past', 'f32', [1, 'P']],
      ],
      [
        ['y', 'f32', [1, 1]],
        ['present', 'f32', [1, 'S']],
      ],
    );
    const state = { present: { input: 'past', append: { axis: 1, max: 4 } } };
    await expect(compile(importOnnx(turned), { target: 'wasm', state })).rejects.toThrow(
      /'present' is not the input 'past' with new elements behind it[\s\S]*nn\.concat/,
    );
    await expect(
      compile(importOnnx(bytes), { target: 'wasm', dims: { T: { min: 5, max: 6 } }, state: grows(4) }),
    ).rejects.toThrow(/cannot hold what one run gives/);
  });

  it.each([
    'present_k=past_k:append',
    'present_k=past_k:append axis=2',
    'present_k=past_k:append axis=2 max=many',
    'present_k=past_k:append axis=2 max=4 min=1',
  ])('on the command line: %s', (text) => {
    expect(() => parseStates(importOnnx(bytes), [text])).toThrow(
      /does not say how the state grows[\s\S]*:append axis=/,
    );
    expect(parseStates(importOnnx(bytes), ['present_k=past_k:append axis=2 max=9'])).toEqual(one('past_k', 2, 9));
  });
});
