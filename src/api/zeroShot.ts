import { batchNorm } from '../../dialects/nn/batchNorm.ts';
import { gather } from '../../dialects/nn/gather.ts';
import { constantOf, floatConstantOf } from '../../passes/constants.ts';
import type { Dataset, InputFormat } from '../calibrate/data/index.ts';
import { commonSpread, gaussianSamples, type InputPrior, type Spread } from '../calibrate/zeroShot/samples.ts';
import type { Module, TensorType, Value } from '../ir/index.ts';
import { type DType, elementCount } from '../support/tensor.ts';
import { bindDimensions, type Dimensions } from './dimensions.ts';
import { runPipeline } from './pipeline.ts';
import { wasmProbe } from './probe.ts';
import { copyModule } from './read.ts';

export interface ZeroShotOptions {
  readonly dims?: Dimensions;
  /** What callers pass: the ends of 8-bit inputs are those of their type. */
  readonly formats?: readonly InputFormat[];
  /** Default 32. */
  readonly samples?: number | undefined;
  readonly report?: ((line: string) => void) | undefined;
}

/** Samples of a batch on which statistics are compared, and trials of distillation. */
const effort = { samples: 4, trials: 24 };

/**
 * Calibration samples for a model of which no data is at hand: Gaussian noise, whose ranges the layers pass on. Where
 * the model still has batch normalizations, its mean, contrast and smoothness are chosen so that what they normalize
 * has the means and variances that they hold (the aim of ZeroQ, Cai et al., 2020), by trials instead of gradients.
 * Whole numbers that pick rows of a table are any of them, others are 1.
 */
export async function zeroShotSamples(module: Module, options: ZeroShotOptions = {}): Promise<Dataset> {
  const { dims = {}, formats = [], samples = 32, report } = options;
  const copy = await copyModule(module);
  await bindDimensions(copy, dims);
  const states = new Set(copy.states.map(({ input }) => input));
  const given = copy.main.body.args.filter(({ name }) => !states.has(name ?? ''));
  const inputs = given.map((arg) => priorOf(arg, formats));
  await runPipeline(copy, 'fold-constants,canonicalize,widen-floats');
  const spread = await distilled(copy, inputs, report);
  return gaussianSamples(inputs, samples, spread);
}

function priorOf(arg: Value, formats: readonly InputFormat[]): InputPrior {
  const { element, shape } = arg.type as TensorType;
  const [name, dtype] = [arg.name ?? '', element as DType];
  const tables = [...arg.users].filter((op) => gather.is(op) && op.operand(1) === arg);
  const rows = tables.map((op) => Number((op.operand(0).type as TensorType).shape[gather.attributesOf(op).axis]));
  const count = rows.length > 0 ? Math.min(...rows) : 1;
  return { name, dtype, shape: shape.map(Number), count, range: rangeOf(formats.find(({ input }) => input === name)) };
}

const ends = { u8: [0, 255], i8: [-128, 127], u16: [0, 65535], i16: [-32768, 32767] } as const;

/** What the ends of the type that callers pass become. */
function rangeOf(format: InputFormat | undefined): InputPrior['range'] {
  const found = format && ends[format.dtype as keyof typeof ends];
  if (!found) return undefined;
  const values = format.scale.flatMap((scale, i) => found.map((end) => end * scale + (format.offset[i] ?? 0)));
  return { min: Math.min(...values), max: Math.max(...values) };
}

/** A value that a batch normalization reads, and what it was in training, a channel each. */
interface Trained {
  readonly value: Value;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

async function distilled(
  module: Module,
  inputs: readonly InputPrior[],
  report: ((line: string) => void) | undefined,
): Promise<Spread> {
  const trained = [...module.main.body.ops()].flatMap((op): Trained[] => {
    if (!batchNorm.is(op)) return [];
    const [mean, variance] = [3, 4].map((i) => floatConstantOf(op.operands[i])?.data as Float32Array | undefined);
    return mean && variance && !constantOf(op.operand(0)) ? [{ value: op.operand(0), mean, variance }] : [];
  });
  if (trained.length === 0) {
    report?.('zero-shot: Gaussian inputs; there are no batch normalizations whose statistics they could be given');
    return commonSpread;
  }
  const probe = await wasmProbe(
    module,
    trained.map(({ value }) => value),
  );
  const distanceOf = (spread: Spread): number => {
    const seen = trained.map(({ mean }) => new Moments(mean.length));
    for (const sample of gaussianSamples(inputs, effort.samples, spread))
      probe.run(sample, (i, { data, shape }) => seen[i]?.add(data as Float32Array, elementCount(shape.slice(2))));
    return trained.reduce((sum, one, i) => sum + (seen[i] as Moments).distance(one), 0) / trained.length;
  };
  let [best, least] = [commonSpread, distanceOf(commonSpread)];
  const first = least;
  for (let trial = 0; trial < effort.trials; trial++) {
    const step = trial < effort.trials / 2 ? 0.5 : 0.2;
    for (const next of [neighbour(best, trial, step), neighbour(best, trial, -step)]) {
      const distance = distanceOf(next);
      if (!(distance < least)) continue;
      [best, least] = [next, distance];
      break;
    }
  }
  const parts = Object.entries(best).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  report?.(
    `zero-shot: Gaussian inputs of ${parts.join(', ')}; distance from ${trained.length} batch normalizations ${first.toFixed(3)}, then ${least.toFixed(3)}`,
  );
  return best;
}

/** One of the numbers of a spread changed: the mean by a part of the contrast, the others by a share of themselves. */
function neighbour({ mean, contrast, width }: Spread, trial: number, step: number): Spread {
  if (trial % 3 === 0) return { mean: mean + step * contrast, contrast, width };
  const factor = step > 0 ? 1 + step : 1 / (1 - step);
  return trial % 3 === 1
    ? { mean, contrast: contrast * factor, width }
    : { mean, contrast, width: Math.min(width * factor, 1) };
}

/** Means and variances of the channels of values [N, C, …]. */
class Moments {
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(channels: number) {
    [this.#sums, this.#squares] = [new Float64Array(channels), new Float64Array(channels)];
  }

  add(data: Float32Array, inner: number): void {
    const channels = this.#sums.length;
    for (let i = 0; i < data.length; i++) {
      const [channel, x] = [Math.floor(i / inner) % channels, data[i] as number];
      this.#sums[channel] = (this.#sums[channel] as number) + x;
      this.#squares[channel] = (this.#squares[channel] as number) + x * x;
    }
    this.#count += data.length / channels;
  }

  /** The mean over channels of ((mean − μ)/σ)² + (deviation/σ − 1)². */
  distance({ mean, variance }: Trained): number {
    const sum = mean.reduce((total, mu, c) => {
      const sigma = Math.sqrt(variance[c] as number) || 1e-6;
      const m = (this.#sums[c] as number) / this.#count;
      const deviation = Math.sqrt(Math.max((this.#squares[c] as number) / this.#count - m * m, 0));
      return total + ((m - mu) / sigma) ** 2 + (deviation / sigma - 1) ** 2;
    }, 0);
    return sum / mean.length;
  }
}
