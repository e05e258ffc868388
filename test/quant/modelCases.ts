import { existsSync, readFileSync } from 'node:fs';
import { readNpy } from '../../src/calibrate/data/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

const shared = new URL('../../../shared/', import.meta.url);

/** A model with the data that it is calibrated and judged by. */
export interface ModelCase {
  readonly name: string;
  /** Signal-to-noise ratio in dB of the best static quantization of others, less 1. */
  readonly leastSnr: number;
  /** Largest loss of accuracy against float, in points; undefined where it is not asked. */
  readonly lossPoints?: number;
  readonly folder: string;
  /** Name of the arrays: `calib_images.npy`, … */
  readonly array: 'images' | 'vectors';
  /** Rows of the dev part that a quick run takes: enough that its bounds hold; all where it is left out. */
  readonly quickRows?: number;
  /** Names of the parts; a model with few samples has one for both. */
  readonly calib?: string;
  readonly prepare: (value: number) => number;
  readonly shape: readonly number[];
}

/** From `../shared/models/README.md`: preprocessing; from `PEERS.md`: the bound. */
export const modelCases: readonly ModelCase[] = [
  {
    name: 'mnist_resnet_f',
    leastSnr: 37.9,
    lossPoints: 0.5,
    folder: 'mnist',
    array: 'images',
    prepare: (v) => v / 255,
    shape: [28, 28, 1],
  },
  {
    name: 'resnet8_cifar10',
    leastSnr: 21,
    quickRows: 100,
    lossPoints: 1,
    folder: 'cifar10',
    array: 'images',
    prepare: (v) => v,
    shape: [32, 32, 3],
  },
  {
    name: 'mbnet128_0.25_f',
    leastSnr: 11.3,
    quickRows: 50,
    folder: 'imagenet',
    array: 'images',
    prepare: (v) => v / 127.5 - 1,
    shape: [128, 128, 3],
  },
  { name: 'vww_96_float', leastSnr: 30, folder: 'vww', array: 'images', prepare: (v) => v / 255, shape: [96, 96, 3] },
  {
    name: 'ad01_fp32',
    leastSnr: 43.5,
    folder: 'ad01',
    array: 'vectors',
    calib: 'dev',
    prepare: (v) => v,
    shape: [640],
  },
];

/** Whether the models and data are here. */
export const hasModels = existsSync(new URL('models/', shared)) && existsSync(new URL('data/', shared));

export function modelBytes({ name }: ModelCase): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`models/${name}.onnx`, shared)));
}

function readArray(folder: string, file: string): HostTensor | undefined {
  const url = new URL(`data/${folder}/${file}.npy`, shared);
  return existsSync(url) ? readNpy(new Uint8Array(readFileSync(url)), file) : undefined;
}

/** Samples of a part as the model takes them, every `step`-th one, and their labels where there are any. */
export function samplesOf(
  model: ModelCase,
  part: 'calib' | 'dev',
  step = 1,
): { input: HostTensor; label: number | undefined }[] {
  const stem = part === 'calib' ? (model.calib ?? 'calib') : 'dev';
  const array = readArray(model.folder, `${stem}_${model.array}`) as HostTensor;
  const labels = readArray(model.folder, `${stem}_labels`)?.data;
  const size = model.shape.reduce((a, b) => a * b, 1);
  const count = array.data.length / size;
  const samples: { input: HostTensor; label: number | undefined }[] = [];
  for (let i = 0; i < count; i += step) {
    const values = Float32Array.from(array.data.subarray(i * size, (i + 1) * size) as Float32Array, model.prepare);
    const input = { dtype: 'f32' as const, shape: [1, ...model.shape], data: values };
    samples.push({ input, label: labels?.[i] as number | undefined });
  }
  return samples;
}
