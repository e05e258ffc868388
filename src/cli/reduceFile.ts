import { backends } from '../api/emit.ts';
import { runPipeline } from '../api/pipeline.ts';
import { reduceModule } from '../api/reduce.ts';
import type { Module } from '../ir/index.ts';
import { printPipeline, runLine } from '../pass/index.ts';
import { parsePipeline } from '../pass/pipeline.ts';
import { QcError } from '../support/diagnostics.ts';
import { printModule } from '../text/index.ts';
import { calibrationData } from './calibrationData.ts';
import type { sampleOptions } from './dataOptions.ts';
import { readFile } from './files.ts';
import { loadModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import { semantics } from './semantics.ts';
import type { Terminal } from './terminal.ts';

export interface ReduceArguments extends OptionValues<typeof sampleOptions> {
  readonly pipeline: string | undefined;
  readonly 'fails-with': string | undefined;
  readonly 'verify-semantics': boolean;
  readonly target: string | undefined;
  readonly output: string | undefined;
}

/** Shrinks the module of a file while its passes still fail, and prints or writes what is left. */
export async function reduceFile(path: string, options: ReduceArguments, terminal: Terminal): Promise<void> {
  if (options.output !== undefined) checkOutputFile(options.output);
  const line = new TextDecoder().decode(readFile(path)).split('\n', 1)[0] ?? '';
  const pipeline = options.pipeline ?? pipelineOfLine(line, path);
  const verifies =
    options['verify-semantics'] || (options.pipeline === undefined && line.includes('--verify-semantics'));
  const module = loadModel(path);
  const calibration = await calibrationData(module, options, terminal);
  const messageOf = async (candidate: Module): Promise<string | undefined> => {
    try {
      await runPipeline(candidate, pipeline, {
        target: backends[(options.target ?? 'wasm') as 'wasm' | 'c'].target,
        calibration,
        instruments: verifies ? [semantics(undefined)] : [],
      });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const wanted = options['fails-with'] ?? (await messageOf(loadModel(path)))?.split('\n', 1)[0];
  const reduced = await reduceModule(module, {
    fails: async (candidate) => wanted !== undefined && ((await messageOf(candidate))?.includes(wanted) ?? false),
    report: terminal.note,
  });
  terminal.note(`${reduced.before} operations became ${reduced.after}, ${reduced.tried} modules were tried`);
  const command = runLine(printPipeline(parsePipeline(pipeline)));
  const head = verifies ? command.replace('qc opt ', 'qc opt --verify-semantics ') : command;
  const { text, bin } = printModule(reduced.module);
  if (options.output === undefined) {
    terminal.print(`${head}\n${text}`);
    return;
  }
  if (bin) writeWhole(`${options.output}.bin`, bin);
  writeWhole(options.output, `${head}\n${text}`);
}

/** The pipeline that the first line of a reproducer runs. @throws QcError when the file has no such line */
function pipelineOfLine(line: string, path: string): string {
  const found = /^\/\/ RUN: qc opt .*--pipeline '([^']*)'/.exec(line)?.[1];
  if (found !== undefined) return found;
  throw new QcError({
    what: 'it is not said which passes fail',
    where: path,
    why: "the file's first line is no '// RUN: qc opt --pipeline …'",
    help: 'name the passes with --pipeline',
  });
}
