import { type DType, elementCount, type HostTensor, typedArrayOf } from '../../support/tensor.ts';
import type { Dataset } from '../data/index.ts';
import { gaussianField } from './field.ts';
import { Random } from './random.ts';

/** What is known of an input without data. */
export interface InputPrior {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Of floats: the ends of what callers pass, as the model gets it. */
  readonly range?: { readonly min: number; readonly max: number } | undefined;
  /** Of whole numbers: there are so many, from 0 on. */
  readonly count: number;
}

/** How samples are spread: what distillation changes. */
export interface Spread {
  /** Mean of all samples, in half ranges from the middle; of inputs without a range, as it is. */
  readonly mean: number;
  /** Largest standard deviation of a sample, in the same unit. */
  readonly contrast: number;
  /** How far neighbours are alike, as a share of the axis: the widest window. */
  readonly width: number;
}

/** Pictures and sounds alike: their means differ, contrasts from faint to full, noise of all scales. */
export const commonSpread: Spread = { mean: 0, contrast: 0.75, width: 0.25 };

/** Of every four samples one is white noise, the others ever smoother. */
const widths = [0, 1 / 16, 1 / 4, 1];

/** Samples of Gaussian noise for a model's inputs, the same for the same seed. */
export function gaussianSamples(inputs: readonly InputPrior[], length: number, spread: Spread, seed = 1): Dataset {
  const sample = (index: number): Record<string, HostTensor> => {
    const random = new Random(seed * 7919 + index * 104729 + 1);
    for (let i = 0; i < 8; i++) random.uniform();
    return Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input, index, spread, random)]));
  };
  return {
    length,
    inputs: inputs.map(({ name }) => name),
    sample,
    *[Symbol.iterator]() {
      for (let index = 0; index < length; index++) yield sample(index);
    },
  };
}

function tensorOf(input: InputPrior, index: number, spread: Spread, random: Random): HostTensor {
  const { dtype, shape, count } = input;
  if (dtype === 'f32') return { dtype, shape, data: floatsOf(input, index, spread, random) };
  const numbers = Array.from({ length: elementCount(shape) }, () =>
    count > 1 ? Math.floor(random.uniform() * count) : 1,
  );
  if (dtype === 'i64') return { dtype, shape, data: BigInt64Array.from(numbers, BigInt) };
  return { dtype, shape, data: new (typedArrayOf(dtype as 'i32'))(numbers as never) } as HostTensor;
}

function floatsOf({ shape, range }: InputPrior, index: number, spread: Spread, random: Random): Float32Array {
  const width = (widths[index % widths.length] as number) * spread.width;
  const mean = spread.mean + (random.uniform() - 0.5) * spread.contrast;
  const contrast = spread.contrast * (0.25 + 0.75 * random.uniform());
  const { min, max } = range ?? { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  const [middle, half] = range ? [(min + max) / 2, (max - min) / 2] : [0, 1];
  return Float32Array.from(gaussianField(shape, width, random), (g) =>
    Math.min(Math.max(middle + half * (mean + contrast * g), min), max),
  );
}
