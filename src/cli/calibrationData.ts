import { inputSignature } from '../api/signature.ts';
import { zeroShotSamples } from '../api/zeroShot.ts';
import { type Dataset, loadDataset, parseInputFormat } from '../calibrate/data/index.ts';
import type { Module } from '../ir/index.ts';
import type { sampleOptions } from './dataOptions.ts';
import { hostFiles } from './files.ts';
import type { OptionValues } from './options.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** The word that stands for no data at all. */
const withoutData = 'zero-shot';

/** What `--calibrate` names: samples, or none; undefined where it is not given. @throws UsageError, QcError */
export async function calibrationData(
  module: Module,
  options: OptionValues<typeof sampleOptions>,
  terminal: Terminal,
): Promise<Dataset | undefined> {
  const { calibrate: sources, limit } = options;
  const signature = inputSignature(module);
  const formats = options['input-format'].map((text) => parseInputFormat(text, signature));
  if (sources.length === 0) return undefined;
  if (!sources.includes(withoutData)) return loadDataset(sources, signature, hostFiles, { formats, limit });
  if (sources.length === 1) return zeroShotSamples(module, { formats, samples: limit, report: terminal.note });
  throw new UsageError(`--calibrate ${withoutData} is instead of data`, 'leave the other sources out');
}
