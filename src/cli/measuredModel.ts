import { inputSignature } from '../api/signature.ts';
import { type Dataset, loadDataset, parseInputFormat } from '../calibrate/data/index.ts';
import type { Module } from '../ir/index.ts';
import { calibrationData } from './calibrationData.ts';
import type { measureOptions } from './dataOptions.ts';
import { hostFiles } from './files.ts';
import type { modelOptions } from './globalOptions.ts';
import { loadBoundModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import type { Terminal } from './terminal.ts';

export type MeasureArguments = OptionValues<typeof measureOptions & typeof modelOptions>;

/** A model with the samples that it is calibrated and measured on. */
export interface MeasuredModel {
  readonly module: Module;
  readonly calibration: Dataset | undefined;
  readonly data: Dataset | undefined;
}

/** Reads a model and its data; undefined where no data is named. */
export async function loadMeasured(
  path: string,
  options: MeasureArguments,
  terminal: Terminal,
  {
    limit = options.limit,
    state = [],
  }: { readonly limit?: number | undefined; readonly state?: readonly string[] } = {},
): Promise<MeasuredModel> {
  const module = await loadBoundModel(path, options, state);
  terminal.crash.module = module;
  const signature = inputSignature(module);
  const formats = options['input-format'].map((text) => parseInputFormat(text, signature));
  const load = (sources: readonly string[], most?: number): Dataset | undefined =>
    sources.length === 0 ? undefined : loadDataset(sources, signature, hostFiles, { formats, limit: most });
  const calibration = await calibrationData(module, { ...options, limit: undefined }, terminal);
  return { module, calibration, data: load(options.data, limit) };
}
