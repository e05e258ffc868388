import { exportOnnx, quantizeTypes } from '../api/quantizedTypes.ts';
import type { Module } from '../ir/index.ts';
import { printModule } from '../text/index.ts';
import { calibrationChoices } from './calibrationChoices.ts';
import { calibrationData } from './calibrationData.ts';
import type { calibrationOptions } from './dataOptions.ts';
import type { modelOptions, pipelineOptions } from './globalOptions.ts';
import { parseLimits } from './importOptions.ts';
import { instrumentsFor } from './instruments.ts';
import { loadBoundModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import { loadScheme } from './schemeFile.ts';
import type { Terminal } from './terminal.ts';

export interface QuantizeArguments
  extends OptionValues<typeof modelOptions & typeof pipelineOptions & typeof calibrationOptions> {
  readonly scheme: string | undefined;
  readonly output: string;
}

/** Quantizes a model and writes it. */
export async function quantizeModel(path: string, options: QuantizeArguments, terminal: Terminal): Promise<void> {
  checkOutputFile(options.output);
  const scheme = await loadScheme(options.scheme ?? 'w8a8');
  const module = await loadBoundModel(path, options);
  terminal.crash.module = module;
  const calibration = await calibrationData(module, options, terminal);
  const instruments = instrumentsFor(options, terminal, calibration);
  await quantizeTypes(module, {
    ...calibrationChoices(options),
    limits: parseLimits(options.allow),
    scheme,
    calibration,
    keepFloat: options['keep-float'],
    instruments: instruments.list,
    report: terminal.note,
  });
  await instruments.finish();
  writeModel(module, options.output);
  terminal.note(`wrote ${options.output}`);
}

/** Writes a module as its file's ending says; the text form with its companion file. */
function writeModel(module: Module, path: string): void {
  if (path.endsWith('.onnx')) {
    writeWhole(path, exportOnnx(module));
    return;
  }
  const { text, bin } = printModule(module);
  if (bin) writeWhole(`${path}.bin`, bin);
  writeWhole(path, text);
}
