import type { Module } from '../ir/index.ts';
import { numbersOf, type Sample } from '../pass/index.ts';
import { type Recipe, recipeName, recipeOf, type SchemeName } from '../scheme/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { elementCount, type HostTensor } from '../support/tensor.ts';
import type { CalibrationOptions } from './calibration.ts';
import { type MetricName, metricNames } from './choices.ts';
import { type PrepareOptions, transform } from './compile.ts';
import { type Estimate, estimate } from './measure/bootstrap.ts';
import { type Judged, type Metric, metrics } from './measure/metrics.ts';
import { constantBytes, type Runner, runnerFor } from './measure/runner.ts';
import { parse, print } from './read.ts';
import { resultOf } from './signature.ts';

export interface EvaluateOptions
  extends CalibrationOptions,
    Pick<PrepareOptions, 'dims' | 'state' | 'keepFloat' | 'limits' | 'report'> {
  /** What is compared with float, which is always measured. */
  readonly schemes: readonly (SchemeName | Recipe)[];
  /** Samples to measure on, input tensors by name. They are read once, one after the other. */
  readonly dataset: Iterable<Sample>;
  /** Integers of shape [S, …]: for each of S samples a class for each row of the output; negative ones do not count. */
  readonly labels?: HostTensor | undefined;
  /**
   * Default: all that can be measured, without `perplexity`, which takes the output as logits, and `auc`, which takes
   * it as scores. These, `top1` and `top5` need labels.
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
   * `top1`, `top5`, `agreement` and `auc` in 0…1, `snr` in dB (infinite where nothing differs), `mse` in the output's unit
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
  const { dataset, labels, seed = 1, report = () => {} } = options;
  const result = resultOf(module, options.result);
  const chosen = chooseMetrics(options.metrics, labels);
  const { text, bin } = print(module);
  const contenders: Contender[] = [];
  for (const scheme of new Set<SchemeName | Recipe>(['float', ...options.schemes])) {
    report(`preparing ${recipeName(recipeOf(scheme))}`);
    contenders.push(await contend(parse(text, bin ? { bin } : {}), scheme, chosen, { ...options, report }));
  }
  let samples = 0;
  for (const sample of dataset) judge(contenders, sample, result, labelsOf(labels, samples++));
  checkCount(samples, labels);
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
  const names = chosen.filter((name) => scheme !== 'float' || (metrics[name] as Metric).against === 'labels');
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
function judge(contenders: readonly Contender[], sample: Sample, result: string, labels: readonly number[]): void {
  let reference: ArrayLike<number> | undefined;
  for (const { runner, contributions, times } of contenders) {
    const start = performance.now();
    const tensor = runner.run(sample)[result] as HostTensor;
    times.push(performance.now() - start);
    const output = numbersOf(tensor);
    reference ??= output;
    const judged: Judged = { reference, output, classes: tensor.shape.at(-1) ?? 1, labels };
    checkRows(judged, tensor.shape);
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

function chooseMetrics(asked: readonly MetricName[] | undefined, labels: HostTensor | undefined): MetricName[] {
  const possible = metricNames.filter((name) => labels || metrics[name].against === 'float');
  if (!asked || asked.length === 0) return possible.filter((name) => !(metrics[name] as Metric).onRequest);
  const impossible = asked.find((name) => !possible.includes(name));
  if (impossible === undefined) return [...asked];
  throw new QcError({
    what: `the metric ${impossible} needs labels`,
    why: 'it counts right answers',
    help: 'give the right classes: --labels FILE.npy on the command line, labels in the API',
  });
}

/** The labels of sample `index`; empty where there are none. */
function labelsOf(labels: HostTensor | undefined, index: number): number[] {
  if (!labels) return [];
  const size = elementCount(labels.shape.slice(1));
  return Array.from(labels.data.subarray(index * size, (index + 1) * size) as ArrayLike<number | bigint>, Number);
}

function checkRows({ output, classes, labels }: Judged, shape: readonly number[]): void {
  const rows = output.length / classes;
  // One value a row is the score of something that is there or not.
  const beyond = Array.from(labels).find((label) => label >= Math.max(2, classes));
  if (labels.length === 0 || (labels.length === rows && beyond === undefined)) return;
  throw new QcError({
    what:
      beyond === undefined
        ? `a sample has ${labels.length} labels, and its output has ${rows} rows`
        : `the label ${beyond} is none of the ${classes} classes`,
    where: `output of shape [${shape.join(', ')}]`,
    why: 'the last axis of the output is taken as classes, all others as rows, each of which needs a label',
    help: 'give labels of shape [S] or [S, rows], or name the output that they are for with --result',
  });
}

function checkCount(samples: number, labels: HostTensor | undefined): void {
  if (samples === 0) throw new QcError({ what: 'the data holds no samples', help: 'give at least one' });
  const count = labels?.shape[0];
  if (count === undefined || count === samples) return;
  throw new QcError({
    what: `there are ${samples} samples and labels for ${count}`,
    help: 'give a label for each sample, in the same order',
  });
}
