import { cpus as processors } from 'node:os';
import { dirname, join } from 'node:path';
import type { CpuName } from '../api/choices.ts';
import { prepare } from '../api/compile.ts';
import { profile } from '../api/profile.ts';
import { type TunedLayer, type Tuning, tune } from '../api/tune.ts';
import { calibrationChoices } from './calibrationChoices.ts';
import { calibrationData } from './calibrationData.ts';
import type { calibrationOptions } from './dataOptions.ts';
import type { modelOptions, pipelineOptions, stateOptions } from './globalOptions.ts';
import { parseLimits } from './importOptions.ts';
import { instrumentsFor } from './instruments.ts';
import { loadBoundModel, nameOfModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import { defaultFlags, profileC } from './profileArtifact.ts';
import { loadScheme } from './schemeFile.ts';
import { percentText, tableText } from './table.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface TuneArguments
  extends OptionValues<typeof modelOptions & typeof pipelineOptions & typeof stateOptions & typeof calibrationOptions> {
  readonly target: string | undefined;
  readonly scheme: string | undefined;
  readonly cpu: string | undefined;
  readonly cflags: string | undefined;
  readonly turns: number | undefined;
  readonly output: string | undefined;
}

/** Runs of a program within one turn. */
const limits = { rounds: 20, budget: 1500 };

/** Finds register tiles for a model on this machine and writes them. */
export async function tuneModel(path: string, options: TuneArguments, terminal: Terminal): Promise<void> {
  const target = (options.target ?? 'wasm') as Tuning['target'];
  if (target === 'wasm' && (options.cpu !== undefined || options.cflags !== undefined)) {
    throw new UsageError('--cpu and --cflags are for C', 'write --target c, or leave them out');
  }
  const output = options.output ?? join(dirname(path), `${nameOfModel(path)}.qc-tune.json`);
  checkOutputFile(output);
  const scheme = options.scheme === undefined ? {} : { scheme: await loadScheme(options.scheme) };
  const module = await loadBoundModel(path, options, options.state);
  terminal.crash.module = module;
  const calibration = await calibrationData(module, options, terminal);
  const instruments = instrumentsFor(options, terminal, calibration);
  const common = { instruments: instruments.list, report: terminal.note, limits: parseLimits(options.allow) };
  const prepared = await prepare(module, {
    ...common,
    ...calibrationChoices(options),
    ...scheme,
    calibration,
    keepFloat: options['keep-float'],
  });
  const flags = options.cflags ?? defaultFlags;
  const { tuning, layers } = await tune(prepared, {
    ...common,
    target,
    machine: [
      processors()[0]?.model ?? 'an unknown processor',
      target === 'c' ? flags : `Node ${process.version}`,
    ].join(', '),
    ...(options.cpu === undefined ? {} : { cpu: options.cpu as CpuName }),
    ...(options.turns === undefined ? {} : { turns: options.turns }),
    time: async (files) => {
      const timed = target === 'c' ? profileC(files, flags, limits) : await profile(files, limits);
      return timed.launches.map(({ least }) => least);
    },
  });
  await instruments.finish();
  writeWhole(output, `${JSON.stringify(tuning, undefined, 2)}\n`);
  if (terminal.json) terminal.printJson({ ...tuning, output });
  else terminal.print(tuningText(layers));
  terminal.note(`wrote ${output}`);
}

function tuningText(layers: readonly TunedLayer[]): string {
  if (layers.length === 0) return 'no layer is faster with another tile than the compiler chooses';
  const rows = layers.map(({ layer, rows, before, after }) => [
    layer || '(no name)',
    `${rows}`,
    before.toFixed(1),
    after.toFixed(1),
    percentText(1 - after / before),
  ]);
  return tableText([['layer', 'rows of a tile', 'µs before', 'µs', 'saved'], ...rows]);
}
