import { expect, it } from 'vitest';
import { compile, importOnnx, instantiate, type SchemeName } from '../../src/index.ts';
import { floats, modelOf, node } from '../state/model.ts';

const model = modelOf(
  [node('MatMul', ['x', 'w'], ['h']), node('Sigmoid', ['h'], ['s']), node('MatMul', ['s', 'v'], ['y'])],
  [['x', 'f32', [1, 'T', 70]]],
  [['y', 'f32', [1, 'T', 21]]],
  { w: floats([70, 24], 3), v: floats([24, 21], 4) },
);

it.each<SchemeName>(['w8a16', 'w3a16', 'mxfp4', 'w8a8-dynamic', 'w4a8'])(
  'stored weights of %s with any number of rows: each row is what a program for that number gives',
  async (scheme) => {
    const program = async (T: number | { min: number; max: number }) =>
      instantiate((await compile(importOnnx(model), { target: 'wasm', scheme, dims: { T } })).files);
    const any = await program({ min: 1, max: 9 });
    for (const rows of [1, 2, 3, 7]) {
      const x = floats([1, rows, 70], rows);
      expect(any.run({ x })).toEqual((await program(rows)).run({ x }));
    }
  },
  60_000,
);
