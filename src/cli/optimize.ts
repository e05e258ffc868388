import { readFileSync } from 'node:fs';
import { backends } from '../api/emit.ts';
import { passes, runPipeline } from '../api/pipeline.ts';
import { parse } from '../api/read.ts';
import { verifyModule } from '../ir/index.ts';
import type { Pass, Preserves } from '../pass/index.ts';
import { companionPieces, printModule, printModuleLazily } from '../text/index.ts';
import { calibrationData } from './calibrationData.ts';
import type { sampleOptions } from './dataOptions.ts';
import type { pipelineOptions } from './globalOptions.ts';
import type { importOptions } from './importOptions.ts';
import { instrumentsFor } from './instruments.ts';
import { loadModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import type { Terminal } from './terminal.ts';

export interface OptArguments
  extends OptionValues<typeof pipelineOptions & typeof importOptions & typeof sampleOptions> {
  readonly pipeline: string | undefined;
  readonly output: string | undefined;
  readonly target: string | undefined;
}

/** Runs passes on a file and prints or writes the module. */
export async function optimize(path: string, options: OptArguments, terminal: Terminal): Promise<void> {
  if (options.output !== undefined) checkOutputFile(options.output);
  const module =
    path === '-' ? parse(readFileSync(0, 'utf8'), { file: 'standard input' }) : loadModel(path, options.allow);
  terminal.crash.module = module;
  verifyModule(module);
  const calibration = await calibrationData(module, options, terminal);
  const instruments = instrumentsFor(options, terminal, calibration);
  await runPipeline(module, options.pipeline ?? '', {
    target: backends[(options.target ?? 'wasm') as 'wasm' | 'c'].target,
    calibration,
    instruments: instruments.list,
    report: terminal.note,
  });
  await instruments.finish();
  if (options.output === undefined) {
    terminal.print(printModule(module, { weights: 'random' }).text);
    return;
  }
  const { text, large } = printModuleLazily(module);
  if (large.length > 0) writeWhole(`${options.output}.bin`, companionPieces(large));
  writeWhole(options.output, text());
}

/** Names every pass by phase. */
export function listPasses(terminal: Terminal): void {
  const all = [...passes.passes.values()];
  if (terminal.json) {
    terminal.printJson(
      all.map(({ name, phase, summary, preserves, options }) => {
        const kinds = Object.fromEntries(Object.entries(options).map(([option, spec]) => [option, spec.kind]));
        return { name, phase, summary, preserves, options: kinds };
      }),
    );
    return;
  }
  for (const phase of new Set(all.map((pass) => pass.phase))) {
    terminal.print(`${phase}/`);
    for (const pass of all.filter((one) => one.phase === phase)) {
      terminal.print(
        `  ${pass.name}${optionsText(pass)}\n      ${pass.summary} Preserves ${preservesText(pass.preserves)}.`,
      );
    }
  }
}

function optionsText({ options }: Pass): string {
  const entries = Object.entries(options).map(([name, { kind }]) => `${name}=${kind}`);
  return entries.length > 0 ? `{${entries.join(',')}}` : '';
}

/** What a pass promises, in words. */
export function preservesText(promise: Preserves): string {
  if (promise === 'bits') return 'every bit';
  if ('quanta' in promise) return `each layer within ${promise.quanta} quanta`;
  return 'tolerance' in promise
    ? `results within ${promise.tolerance} of their range`
    : `at least ${promise.snr} dB of each layer`;
}
