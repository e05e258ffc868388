import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readNpy } from '../../src/calibrate/data/index.ts';
import { runCSteps } from '../../src/cli/host/c.ts';
import { compile, type Instance, importOnnx, instantiate, type States } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { missing } from '../c/program.ts';
import { attentionModel } from './attention.ts';
import { floats } from './model.ts';

// What codes in caches cost a real decoder, and the same codes in C.

const shared = '../shared';
const model = 'models/llama_char_kv.onnx';
const bytesOf = (path: string) => new Uint8Array(readFileSync(`${shared}/${path}`));
const [rows, steps] = process.env.QC_FULL ? [16, 128] : [1, 96];

const i64 = (shape: number[], values: readonly number[]): HostTensor => ({
  dtype: 'i64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});

async function decoder(as: 'int8' | 'int4' | 'int4-rotated' | undefined): Promise<Instance> {
  const module = importOnnx(bytesOf(model), { symbols: { sequence: 1 }, externalData: () => bytesOf(`${model}.data`) });
  const presents = module.main.resultNames.filter((output) => output.startsWith('present'));
  const append = { axis: 2, max: 128, ...(as ? { as } : {}) };
  const state: States = Object.fromEntries(
    presents.map((output) => [output, { input: output.replace('present', 'past_key_values'), append }]),
  );
  const dims = { total_sequence: 'past_sequence+1' };
  return instantiate((await compile(module, { target: 'wasm', dims, state })).files);
}

/** Mean cross entropy in nats over the first characters of dev rows, decoded one by one. */
function crossEntropy(program: Instance, tokens: HostTensor): number {
  let total = 0;
  for (let row = 0; row < rows; row++) {
    program.reset();
    for (let step = 0; step < steps; step++) {
      const at = row * (tokens.shape[1] as number) + step;
      const { logits } = program.run({
        input_ids: i64([1, 1], [Number(tokens.data[at])]),
        attention_mask: i64([1, step + 1], new Array(step + 1).fill(1)),
        position_ids: i64([1, 1], [step]),
      });
      const scores = Array.from((logits as HostTensor).data, Number);
      const most = Math.max(...scores);
      const sum = scores.reduce((all, score) => all + Math.exp(score - most), 0);
      total += most + Math.log(sum) - (scores[Number(tokens.data[at + 1])] as number);
    }
  }
  return total / (rows * steps);
}

describe.skipIf(!existsSync(`${shared}/models`))('llama_char_kv (skipped where ../shared/models is absent)', () => {
  it('loses less than 0.5 % of perplexity with int8 caches, and 2 % with int4', async () => {
    const tokens = readNpy(bytesOf('data/shakespeare/dev_tokens.npy'), 'dev_tokens.npy');
    const [float, int8, int4, rotated] = (await Promise.all(
      [undefined, 'int8' as const, 'int4' as const, 'int4-rotated' as const].map(async (as) =>
        crossEntropy(await decoder(as), tokens),
      ),
    )) as [number, number, number, number];
    const change = (other: number) => Math.abs(Math.exp(other - float) - 1);
    console.info(
      `perplexity of llama_char_kv: int8 caches ${change(int8)}, int4 ${change(int4)}, int4-rotated ${change(rotated)} from float`,
    );
    expect(change(int8)).toBeLessThan(0.005);
    expect(change(int4)).toBeLessThan(0.02);
    expect(change(rotated)).toBeLessThan(0.02);
    expect(change(int8)).toBeGreaterThan(0);
  }, 600_000);
});

const absent = missing('cc');

it.skipIf(absent !== '')(
  `C keeps the same codes${absent}`,
  async () => {
    const append = { axis: 2, max: 24, as: 'int4' as const };
    const state = { present_k: { input: 'past_k', append }, present_v: { input: 'past_v', append } };
    const compiled = (target: 'c' | 'wasm') =>
      compile(importOnnx(attentionModel(6)), { target, dims: { T: { min: 1, max: 4 } }, state });
    const [{ files, manifest }, wasm] = await Promise.all([compiled('c'), compiled('wasm')]);
    const program = await instantiate(wasm.files, { simd: 'baseline' });
    const xs = [3, 1, 4].map((count, i) => floats([1, 2, count, 6], i + 30));
    if (!manifest.c) throw new Error('a C artifact without a signature');
    const found = runCSteps(
      { files, signature: manifest.c },
      xs.map((x) => [x]),
      { selftest: true },
    );
    found.forEach(([y], step) => {
      const wanted = program.run({ x: xs[step] as HostTensor }).y as HostTensor;
      wanted.data.forEach((value, i) => {
        expect(Number(y?.data[i])).toBeCloseTo(Number(value), 5);
      });
    });
  },
  120_000,
);
