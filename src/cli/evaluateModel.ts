import type { MetricName } from '../api/choices.ts';
import { type Evaluation, evaluate, type SchemeEvaluation } from '../api/evaluate.ts';
import type { Estimate } from '../api/measure/bootstrap.ts';
import { type Metric, metrics } from '../api/measure/metrics.ts';
import { sizeText } from '../api/summary.ts';
import { readNpy } from '../calibrate/data/index.ts';
import { recipeNames } from '../scheme/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { calibrationChoices } from './calibrationChoices.ts';
import { readDetections } from './detectionData.ts';
import { readFile } from './files.ts';
import { parseLimits } from './importOptions.ts';
import { loadMeasured, type MeasureArguments } from './measuredModel.ts';
import { loadScheme } from './schemeFile.ts';
import { decibelText, percentText, tableText } from './table.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface EvalArguments extends MeasureArguments {
  readonly scheme: readonly string[];
  readonly recipes: string | undefined;
  readonly time: boolean;
  readonly metric: readonly string[];
  readonly state: readonly string[];
  readonly labels: string | undefined;
  readonly detections: string | undefined;
  readonly objects: string | undefined;
  readonly seed: number | undefined;
}

/** Measures schemes side by side and prints the table. */
export async function evaluateModel(path: string, options: EvalArguments, terminal: Terminal): Promise<void> {
  if (options.data.length === 0) throw new UsageError('--data is missing', 'write --data DATA: samples to measure on');
  const named = options.recipes === undefined ? [] : recipeNames;
  const schemes = await Promise.all([...options.scheme, ...named].map(loadScheme));
  const { module, calibration, data } = await loadMeasured(path, options, terminal, { state: options.state });
  const labels = options.labels === undefined ? undefined : readLabels(options.labels, options.limit);
  const evaluation = await evaluate(module, {
    schemes,
    ...calibrationChoices(options),
    limits: parseLimits(options.allow),
    calibration,
    dataset: data ?? [],
    labels,
    detections: readDetections(options.detections, options.objects, options.limit),
    metrics: options.metric as MetricName[],
    keepFloat: options['keep-float'],
    result: options.result,
    seed: options.seed,
    report: terminal.note,
  });
  if (terminal.json) terminal.printJson(evaluation);
  else terminal.print(evaluationText(evaluation, options.time));
}

/** @throws QcError when the file holds no integers */
function readLabels(path: string, limit: number | undefined): HostTensor {
  const labels = readNpy(readFile(path), path);
  const { dtype, shape, data } = labels;
  if (!/^[iu]\d+$/.test(dtype) || shape.length === 0) {
    throw new QcError({
      what: `the labels are ${dtype} of shape [${shape.join(', ')}]`,
      where: path,
      why: 'a label is the number of the right class, one for each sample',
      help: 'save them as integers, for example labels.astype(numpy.int32)',
    });
  }
  const [count = 0, ...rest] = shape;
  if (limit === undefined || limit >= count) return labels;
  return { dtype, shape: [limit, ...rest], data: data.subarray(0, limit * (data.length / count)) };
}

function evaluationText({ samples, result, metrics: names, schemes }: Evaluation, time: boolean): string {
  const head = [
    'scheme',
    ...names.map((name) => metrics[name].title),
    'weights',
    'integers',
    ...(time ? ['a sample'] : []),
    'run by',
  ];
  const rows = schemes.map((scheme) => [
    scheme.scheme,
    ...names.map((name) => estimateText(scheme, name)),
    sizeText(scheme.weightsBytes),
    percentText(scheme.integerShare),
    ...(time ? [`${Number(scheme.milliseconds.toPrecision(3))} ms`] : []),
    scheme.runsOn,
  ]);
  return [
    tableText([head, ...rows]),
    '',
    `${samples} samples, output ${result}; in brackets the 95 % interval of the bootstrap`,
  ].join('\n');
}

function estimateText(scheme: SchemeEvaluation, name: MetricName): string {
  const found = scheme.metrics[name];
  return found ? withInterval(found, metrics[name]) : '–';
}

function withInterval({ value, low, high }: Estimate, { unit }: Metric): string {
  const text = (x: number) => {
    if (unit === 'share') return (100 * x).toFixed(2);
    if (unit === 'dB') return decibelText(x);
    return x === 0 || x >= 0.001 ? `${Number(x.toPrecision(4))}` : x.toExponential(2);
  };
  const suffix = { share: ' %', dB: ' dB', number: '' }[unit];
  return `${text(value)}${suffix} [${text(low)}, ${text(high)}]`;
}
