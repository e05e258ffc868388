import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, type Dimensions, importOnnx, instantiate } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

// Whole transformers as one program for any length, against the programs of single lengths.

const models = '../shared/models';
const ids = (rows: number, of: (i: number) => number): HostTensor => ({
  dtype: 'i64',
  shape: [1, rows],
  data: BigInt64Array.from({ length: rows }, (_, i) => BigInt(of(i))),
});
const tokens = (rows: number) => ids(rows, (i) => (i * 7 + 3) % 60);

const cases = [
  { name: 'stories260K', inputs: (rows: number) => ({ input_ids: tokens(rows) }) },
  {
    name: 'rxnmapper_albert',
    inputs: (rows: number) => ({
      input_ids: tokens(rows),
      attention_mask: ids(rows, () => 1),
      token_type_ids: ids(rows, () => 0),
    }),
  },
];

describe.skipIf(!existsSync(models))('transformers of any length (skipped where ../shared/models is absent)', () => {
  it.each(cases)(
    '$name gives the bytes of the program of each length',
    async ({ name, inputs }) => {
      const bytes = new Uint8Array(readFileSync(`${models}/${name}.onnx`));
      const program = async (dims: Dimensions) =>
        instantiate((await compile(importOnnx(bytes), { target: 'wasm', dims })).files);
      const whole = await program({ T: { min: 1, max: 40 } });
      for (const rows of [1, 13])
        expect(whole.run(inputs(rows))).toEqual((await program({ T: rows })).run(inputs(rows)));
    },
    300_000,
  );
});
