import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readNpy } from '../../src/calibrate/data/index.ts';
import { boundStates, compile, type Dimensions, importOnnx, instantiate, type States } from '../../src/index.ts';
import type { Sample } from '../../src/pass/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { relativeError, session, type Tensors } from './onnxruntime.ts';

// Decoders whose caches stay in the program and grow, token by token, against onnxruntime that is handed them back.

const shared = '../shared';
const bytesOf = (path: string) => new Uint8Array(readFileSync(`${shared}/${path}`));
const steps = 50;
const most = 64;

const i64 = (shape: number[], values: readonly number[]): HostTensor => ({
  dtype: 'i64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});

interface Decoder {
  readonly name: string;
  readonly symbols: Readonly<Record<string, number>>;
  readonly dims: Dimensions;
  readonly past: (output: string) => string;
  readonly cache: readonly number[];
  readonly tokens: (split: 'calib' | 'dev') => HostTensor;
  readonly inputs: (token: number, step: number) => Tensors;
}

const tokensOf = (path: string): HostTensor => readNpy(bytesOf(path), path);

const decoders: readonly Decoder[] = [
  {
    name: 'stories260K_kv',
    symbols: { T: 1 },
    dims: {},
    past: (output) => output.replace('present', 'past'),
    cache: [1, 4, 0, 8],
    tokens: (split) => tokensOf(`data/stories/${split}_tokens.npy`),
    inputs: (token) => ({ input_ids: i64([1, 1], [token]) }),
  },
  {
    name: 'llama_char_kv',
    symbols: { sequence: 1 },
    dims: { total_sequence: 'past_sequence+1' },
    past: (output) => output.replace('present', 'past_key_values'),
    cache: [1, 2, 0, 32],
    tokens: (split) => tokensOf(`data/shakespeare/${split}_tokens.npy`),
    inputs: (token, step) => ({
      input_ids: i64([1, 1], [token]),
      attention_mask: i64([1, step + 1], new Array(step + 1).fill(1)),
      position_ids: i64([1, 1], [step]),
    }),
  },
];

function load({ name, symbols, past }: Decoder) {
  const bytes = bytesOf(`models/${name}.onnx`);
  const external = `models/${name}.onnx.data`;
  const externalData = existsSync(`${shared}/${external}`) ? { externalData: () => bytesOf(external) } : {};
  const module = importOnnx(bytes, { symbols, ...externalData });
  const presents = module.main.resultNames.filter((output) => output.startsWith('present'));
  const state: States = Object.fromEntries(
    presents.map((output) => [output, { input: past(output), append: { axis: 2, max: most } }]),
  );
  return { module, state, presents };
}

/** The logits of onnxruntime over a stream. */
async function expected(
  decoder: Decoder,
  presents: readonly string[],
  stream: readonly number[],
): Promise<HostTensor[]> {
  const run = await session(`${shared}/models/${decoder.name}.onnx`);
  const empty: HostTensor = { dtype: 'f32', shape: decoder.cache, data: new Float32Array(0) };
  let past: Tensors = Object.fromEntries(presents.map((output) => [decoder.past(output), empty]));
  const answers: HostTensor[] = [];
  for (const [step, token] of stream.entries()) {
    const results = await run({ ...decoder.inputs(token, step), ...past });
    answers.push(results.logits as HostTensor);
    past = Object.fromEntries(presents.map((output) => [decoder.past(output), results[output] as HostTensor]));
  }
  return answers;
}

const streamOf = ({ data }: HostTensor, from: number): number[] =>
  Array.from({ length: steps }, (_, i) => Number(data[from + i]));

function signalToNoise(actual: readonly HostTensor[], wanted: readonly HostTensor[]): number {
  let [signal, noise] = [0, 0];
  wanted.forEach(({ data }, step) => {
    data.forEach((value, i) => {
      signal += Number(value) ** 2;
      noise += (Number(value) - Number(actual[step]?.data[i])) ** 2;
    });
  });
  return 10 * Math.log10(signal / noise);
}

describe.skipIf(!existsSync(`${shared}/models`))(
  'decoders with growing caches (skipped where ../shared/models is absent)',
  () => {
    it.each(decoders)(
      '$name agrees with onnxruntime over 50 tokens',
      async (decoder) => {
        const { module, state, presents } = load(decoder);
        const { files } = await compile(module, { target: 'wasm', dims: decoder.dims, state });
        const model = await instantiate(files);
        const stream = streamOf(decoder.tokens('dev'), 0);
        const wanted = await expected(decoder, presents, stream);
        const errors = stream.map((token, step) =>
          relativeError(model.run(decoder.inputs(token, step)).logits as HostTensor, wanted[step] as HostTensor),
        );
        expect(Math.max(...errors)).toBeLessThan(1e-3);
        expect(Object.values(model.saveState()).every(({ shape }) => shape[2] === steps)).toBe(true);
      },
      300_000,
    );

    it.each(decoders.slice(0, 1))(
      '$name under w8a8, calibrated on streams that begin empty',
      async (decoder) => {
        const { module, state, presents } = load(decoder);
        boundStates(module, state);
        const tokens = decoder.tokens('calib');
        const empty: HostTensor = { dtype: 'f32', shape: decoder.cache, data: new Float32Array(0) };
        const begun = Object.fromEntries(presents.map((output) => [decoder.past(output), empty]));
        const calibration = [0, 1].flatMap((row) =>
          streamOf(tokens, row * steps).map(
            (token, step): Sample => ({ ...decoder.inputs(token, step), ...(step === 0 ? begun : {}) }),
          ),
        );
        const { files } = await compile(module, {
          target: 'wasm',
          scheme: 'w8a8',
          dims: decoder.dims,
          state,
          calibration,
        });
        const model = await instantiate(files);
        const stream = streamOf(decoder.tokens('dev'), 0);
        const answers = stream.map((token, step) => model.run(decoder.inputs(token, step)).logits as HostTensor);
        const ratio = signalToNoise(answers, await expected(decoder, presents, stream));
        console.log(`${decoder.name} under w8a8: ${ratio.toFixed(1)} dB over ${steps} tokens`);
        expect(ratio).toBeGreaterThan(15);
      },
      300_000,
    );
  },
);
