import type { CpuName, TargetName } from '../api/choices.ts';
import { type Explanation, explain } from '../api/explain/explain.ts';
import type { LaunchExplanation } from '../api/explain/launches.ts';
import { countText, sizeText } from '../api/summary.ts';
import { calibrationChoices } from './calibrationChoices.ts';
import type { calibrationOptions } from './dataOptions.ts';
import { explainText } from './explainText.ts';
import type { modelOptions, pipelineOptions } from './globalOptions.ts';
import { parseLimits } from './importOptions.ts';
import { instrumentsFor } from './instruments.ts';
import { loadMeasured } from './measuredModel.ts';
import type { OptionValues } from './options.ts';
import { loadScheme } from './schemeFile.ts';
import { percentText, tableText } from './table.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface ExplainArguments
  extends OptionValues<typeof calibrationOptions & typeof modelOptions & typeof pipelineOptions> {
  readonly target: string | undefined;
  readonly scheme: string | undefined;
  readonly cpu: string | undefined;
}

/** Says, layer by layer, what a compile makes of a model. */
export async function explainModel(path: string, options: ExplainArguments, terminal: Terminal): Promise<void> {
  if (options.cpu !== undefined && options.target !== 'c') {
    throw new UsageError('--cpu is for C', 'write --target c, or leave it out');
  }
  const { module, calibration } = await loadMeasured(path, { ...options, data: [], result: undefined }, terminal);
  const instruments = instrumentsFor(options, terminal, calibration);
  const explanation = await explain(module, {
    target: (options.target ?? 'wasm') as TargetName,
    cpu: options.cpu as CpuName | undefined,
    scheme: await loadScheme(options.scheme ?? 'float'),
    ...calibrationChoices(options),
    limits: parseLimits(options.allow),
    calibration,
    keepFloat: options['keep-float'],
    instruments: instruments.list,
    report: terminal.note,
  });
  await instruments.finish();
  if (terminal.json) terminal.printJson(explanation);
  else terminal.print(explanationText(explanation));
}

const head = [
  'layer',
  'operation',
  'elements',
  'instruction',
  'tile',
  'multiply-adds',
  'weights',
  'moved',
  'predicted µs',
  'bound by',
];

function explanationText(explanation: Explanation): string {
  const { target, scheme, launches, stayedFloat, multiplyAdds, integerShare } = explanation;
  return [
    `${target}, ${scheme}: ${launches.length} launches, ${countText(multiplyAdds)} multiply-adds, ${percentText(integerShare)} in integers`,
    '',
    ...(explanation.choices.length > 0 ? [explainText(explanation.choices), ''] : []),
    tableText([head, ...launches.map(launchRow)]),
    '',
    ...floatLines(stayedFloat),
    `weights ${sizeText(explanation.weightBytes)}, arena ${sizeText(explanation.arenaBytes)}; at best ${explanation.predicted.toFixed(0)} µs on ${explanation.machine}`,
    'predicted: the roofline of the fastest path; moved: bytes read and written, weights aside',
  ].join('\n');
}

function launchRow(launch: LaunchExplanation): string[] {
  const { layer, op, fused, elements, instruction, tile, multiplyAdds, weightBytes } = launch;
  const more = fused.length > 0 ? ` + ${fused.map((one) => one.split(' ')[0]).join(' + ')}` : '';
  return [
    layer || '(no name)',
    `${op}${more}`,
    elements,
    instruction ?? '',
    tile?.join('×') ?? '',
    multiplyAdds > 0 ? countText(multiplyAdds) : '',
    weightBytes > 0 ? sizeText(weightBytes) : '',
    sizeText(launch.readBytes + launch.writtenBytes),
    launch.predicted.toFixed(1),
    launch.bound,
  ];
}

function floatLines(stayedFloat: Explanation['stayedFloat']): string[] {
  if (stayedFloat.length === 0) return [];
  const rows = stayedFloat.map(({ node, op, reason }) => `  ${node || '(no name)'} (${op}): ${reason}`);
  return ['stayed float:', ...rows, ''];
}
