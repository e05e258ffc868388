import type { CalibrationOptions } from '../api/calibration.ts';
import { type ObserverName, parseStatistics } from '../calibrate/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { readFile } from './files.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import { bytesOf, type rangeOptions } from './rangeOptions.ts';
import { UsageError } from './usage.ts';

/** What a command line says about calibration, without the samples. @throws UsageError, QcError */
export function calibrationChoices(
  options: OptionValues<typeof rangeOptions>,
): Omit<CalibrationOptions, 'calibration'> {
  const { observer, percentile, statistics, 'save-statistics': saved, 'max-ram': ceiling } = options;
  if (percentile !== undefined && observer !== 'percentile') {
    throw new UsageError('--percentile is for --observer percentile', 'write --observer percentile, or leave it out');
  }
  if (saved !== undefined) checkOutputFile(saved);
  return {
    observer: observer as ObserverName | undefined,
    percentile: percentile === undefined ? undefined : numberOf(percentile),
    statistics: statistics.map((path) => statisticsText(path)),
    keepStatistics: saved === undefined ? undefined : (text) => writeWhole(saved, new TextEncoder().encode(text)),
    maxRam: ceiling === undefined ? undefined : bytesOf(ceiling, 'max-ram'),
  };
}

/** The text of a file of statistics, which is merged with others later. @throws QcError when it is none */
function statisticsText(path: string): string {
  const text = new TextDecoder().decode(readFile(path));
  try {
    parseStatistics(text);
  } catch (error) {
    throw error instanceof QcError ? new QcError({ ...error.diagnostic, where: path }) : error;
  }
  return text;
}

function numberOf(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new UsageError(`--percentile ${text}: a number is needed`, 'write for example --percentile 99.9');
}
