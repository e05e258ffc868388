import type { Module } from '../ir/index.ts';
import { numbersOf, type Sample } from '../pass/index.ts';
import { type Recipe, recipeName, recipeOf, type SchemeName } from '../scheme/index.ts';
import type { HostTensor } from '../support/tensor.ts';
import type { CalibrationOptions } from './calibration.ts';
import type { MetricName } from './choices.ts';
import { type PrepareOptions, transform } from './compile.ts';
import { type Estimate, estimate } from './measure/bootstrap.ts';
import { type Judged, type Metric, metrics } from './measure/metrics.ts';
import { constantBytes, type Runner, runnerFor } from './measure/runner.ts';
import { checkLikeness, checkRows, chooseMetrics, type Truth, type TruthOptions, truthOf } from './measure/truth.ts';
import { parse, print } from './read.ts';
import { resultOf } from './signature.ts';

export interface EvaluateOptions
  extends CalibrationOptions,
    TruthOptions,
    Pick<PrepareOptions, 'dims' | 'state' | 'keepFloat' | 'limits' | 'report'> {
  /** What is compared with float, which is always measured. */
  readonly schemes: readonly (SchemeName | Recipe)[];
  /** Samples to measure on, input tensors by name. They are read once, one after the other. */
  readonly dataset: Iterable<Sample>;
  /**
   * Default: all that can be measured, without `perplexity`, which takes the output as logits, and `auc`, which takes
   * it as scores. These, `top1` and `top5` need labels, `map50` needs detections.
   */
  readonly metrics?: readonly MetricName[];
  /** Name of the output that is judged. Default: the first. */
  readonly result?: string | undefined;
  /** Of the bootstrap's random numbers. Default 1. */
  readonly seed?: number | undefined;
}

/** How well one scheme does. */
export interface SchemeEvaluation {
  /** The name of the scheme or recipe. */
  readonly scheme: string;
  readonly runsOn: 'wasm' | 'interpreter';
  /** Bytes of all constants: weights, biases, multipliers, tables. */
  readonly weightsBytes: number;
  /** Share of the multiply-adds that is computed in integers, 0 to 1. */
  readonly integerShare: number;
  /** Median time of a sample on this machine, the schemes by turns. */
  readonly milliseconds: number;
  /**
   * `top1`, `top5`, `agreement`, `auc` and `map50` in 0…1, `snr` in dB (infinite where nothing differs), `mse` in the output's unit
   * squared. Float has no value where it would be compared with itself.
   */
  readonly metrics: Readonly<Partial<Record<MetricName, Estimate>>>;
}

export interface Evaluation {
  readonly samples: number;
  /** The output that was judged. */
  readonly result: string;
  readonly metrics: readonly MetricName[];
  /** Float first, then the schemes as they were given. */
  readonly schemes: readonly SchemeEvaluation[];
}

/** A scheme that is being measured. */
interface Contender {
  readonly scheme: string;
  readonly runner: Runner;
  readonly weightsBytes: number;
  readonly integerShare: number;
  readonly contributions: ReadonlyMap<MetricName, (readonly number[])[]>;
  /** Milliseconds of each sample. */
  readonly times: number[];
}

/**
 * Measures schemes beside float on the same samples: on the model as it is deployed, after `integer/`, by its wasm
 * program where it has one. Classes are the last axis of the judged output. The module is not changed.
 *
 * @throws QcError when data or labels do not fit the model, or a metric needs labels that are not there
 */
export async function evaluate(module: Module, options: EvaluateOptions): Promise<Evaluation> {
  const { dataset, seed = 1, report = () => {} } = options;
  const result = resultOf(module, options.result);
  const truth = truthOf(options);
  const chosen = chooseMetrics(options.metrics, truth);
  const { text, bin } = print(module);
  const contenders: Contender[] = [];
  for (const scheme of new Set<SchemeName | Recipe>(['float', ...options.schemes])) {
    report(`preparing ${recipeName(recipeOf(scheme))}`);
    contenders.push(await contend(parse(text, bin ? { bin } : {}), scheme, chosen, { ...options, report }));
  }
  let samples = 0;
  for (const sample of dataset) judge(contenders, sample, samples++, result, truth);
  truth.checkCount(samples);
  return { samples, result, metrics: chosen, schemes: contenders.map((one) => concludeOn(one, seed)) };
}

async function contend(
  module: Module,
  scheme: SchemeName | Recipe,
  chosen: readonly MetricName[],
  options: EvaluateOptions,
): Promise<Contender> {
  const { dims = {}, state = {}, keepFloat = [], limits = {}, report = () => {}, ...calibration } = options;
  const kept = scheme === 'float' ? [] : keepFloat;
  const transformed = await transform(module, { ...calibration, scheme, dims, state, limits, keepFloat: kept });
  const names = chosen.filter((name) => scheme !== 'float' || (metrics[name] as Metric).against !== 'float');
  return {
    scheme: transformed.scheme,
    weightsBytes: constantBytes(transformed.module),
    integerShare: transformed.work.integerShare,
    runner: await runnerFor(transformed, report),
    contributions: new Map(names.map((name) => [name, []])),
    times: [],
  };
}

/** Runs one sample through all contenders; the first one, float, is what the others are compared with. */
function judge(contenders: readonly Contender[], sample: Sample, index: number, result: string, truth: Truth): void {
  let reference: ArrayLike<number> | undefined;
  for (const { runner, contributions, times } of contenders) {
    const start = performance.now();
    const outputs = runner.run(sample);
    times.push(performance.now() - start);
    const tensor = outputs[result] as HostTensor;
    const output = numbersOf(tensor);
    reference ??= output;
    const classes = tensor.shape.at(-1) ?? 1;
    const judged: Judged = {
      reference,
      output,
      classes,
      labels: truth.labels(index),
      scene: truth.scene(index, outputs),
    };
    checkRows(judged, tensor.shape);
    checkLikeness(judged, [...contributions.keys()]);
    for (const [name, list] of contributions) list.push(metrics[name].measure(judged));
  }
}

function concludeOn(
  { scheme, runner, weightsBytes, integerShare, contributions, times }: Contender,
  seed: number,
): SchemeEvaluation {
  const measured = [...contributions].map(([name, list]) => [name, estimate(list, metrics[name].conclude, seed)]);
  const milliseconds = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const { runsOn } = runner;
  return { scheme, runsOn, weightsBytes, integerShare, milliseconds, metrics: Object.fromEntries(measured) };
}
