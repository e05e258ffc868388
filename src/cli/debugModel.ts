import { type Diagnosis, diagnose, type LayerDiagnosis } from '../api/diagnose.ts';
import { type Recipe, recipeOf } from '../scheme/index.ts';
import { calibrationChoices } from './calibrationChoices.ts';
import { loadMeasured, type MeasureArguments } from './measuredModel.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import { sizeBudget } from './rangeOptions.ts';
import { loadScheme } from './schemeFile.ts';
import { decibelText, percentText, tableText } from './table.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface DebugArguments extends MeasureArguments {
  readonly scheme: string | undefined;
  readonly top: number | undefined;
  readonly fix: string | undefined;
  readonly budget: string | undefined;
}

/** Samples that are measured when nothing else is said: every one runs the model once for each layer. */
const defaultSamples = 8;

/** Layers that are printed when nothing else is said. */
const defaultTop = 20;

/** Measures each layer of a quantized model and prints them, worst first. */
export async function debugModel(path: string, options: DebugArguments, terminal: Terminal): Promise<void> {
  if (options.calibrate.length === 0) {
    throw new UsageError('--calibrate is missing', 'write --calibrate DATA: samples that ranges are taken from');
  }
  if (options.scheme === 'float') {
    throw new UsageError('--scheme float has no error to look for', 'choose a scheme that quantizes');
  }
  if (options.fix !== undefined) checkOutputFile(options.fix);
  const scheme = await loadScheme(options.scheme ?? 'w8a8');
  const sources = options.data.length > 0 ? options.data : options.calibrate;
  const limit = options.limit ?? defaultSamples;
  const loaded = await loadMeasured(path, { ...options, data: sources }, terminal, { limit });
  const diagnosis = await diagnose(loaded.module, {
    scheme: scheme as Exclude<typeof scheme, 'float'>,
    ...calibrationChoices(options),
    calibration: loaded.calibration ?? [],
    dataset: loaded.data ?? [],
    keepFloat: options['keep-float'],
    result: options.result,
    budget: options.budget === undefined ? undefined : sizeBudget(options.budget),
    report: terminal.note,
  });
  if (terminal.json) terminal.printJson({ ...diagnosis, layers: diagnosis.layers.slice(0, options.top) });
  else terminal.print(diagnosisText(diagnosis, options.top ?? defaultTop));
  if (options.fix !== undefined) writeFix(options.fix, recipeOf(scheme), diagnosis, options['keep-float'], terminal);
}

/** Writes the recipe that keeps the suggested layers in float, for `--scheme FILE`. */
function writeFix(
  path: string,
  recipe: Recipe,
  { suggestion }: Diagnosis,
  kept: readonly string[],
  terminal: Terminal,
): void {
  if (!suggestion) {
    terminal.note(`${path} is not written: there is nothing to suggest`);
    return;
  }
  const keepFloat = [...new Set([...(recipe.keepFloat ?? []), ...kept, ...suggestion.keepFloat])];
  writeWhole(path, `${JSON.stringify({ ...recipe, keepFloat }, undefined, 2)}\n`);
  terminal.note(`wrote ${path}: use it with --scheme ${path}`);
}

const head = [
  'layer',
  'operation',
  'output dB',
  'cosine',
  'own dB',
  'cosine',
  'in all dB',
  'cosine',
  'weights to 0',
  'values to 0',
  'clipped',
  'mostly by',
];

function diagnosisText({ samples, result, output, layers, suggestion }: Diagnosis, top: number): string {
  const hidden = layers.length - top;
  return [
    `output ${result}: ${decibelText(output.snr)} dB, cosine ${output.cosine.toFixed(5)}, on ${samples} samples`,
    '',
    tableText([head, ...layers.slice(0, top).map(layerRow)]),
    ...(hidden > 0 ? [`… and ${hidden} layers that do less: --top ${layers.length} shows them`] : []),
    '',
    'output: what the layer alone does to the output; own: its own result, it alone quantized; in all: its own result',
    'with everything quantized; a quant.qcast is a border where float values become codes',
    '',
    suggestionText(suggestion),
  ].join('\n');
}

function layerRow(layer: LayerDiagnosis): string[] {
  const fidelities = [layer.damage, layer.isolated, layer.cumulative];
  return [
    layer.node || '(no name)',
    layer.op,
    ...fidelities.flatMap(({ snr, cosine }) => [decibelText(snr), cosine.toFixed(4)]),
    ...[layer.zeroWeights, layer.zeroValues, layer.clippedValues].map((share) => percentText(share)),
    layer.cause,
  ];
}

function suggestionText(suggestion: Diagnosis['suggestion']): string {
  if (!suggestion) return 'no few layers stand out: the error comes from everywhere';
  const names = suggestion.keepFloat.join(',');
  const word = /^[\w./,:-]+$/.test(names) ? names : `'${names.replaceAll("'", `'\\''`)}'`;
  return `suggested: --keep-float ${word} gives ${decibelText(suggestion.output.snr)} dB`;
}
