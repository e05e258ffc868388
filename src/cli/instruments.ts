import { passes } from '../api/pipeline.ts';
import type { Dataset } from '../calibrate/data/index.ts';
import {
  type Instrument,
  type PassChoice,
  passLog,
  printIr,
  type Reproducer,
  reproducer,
  timing,
  timingTable,
  traceRewrites,
} from '../pass/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { writeReproducer } from './bug.ts';
import { dumpGraph, type GraphDump } from './dumpGraph.ts';
import type { pipelineOptions } from './globalOptions.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFolder } from './outputFolder.ts';
import { semantics } from './semantics.ts';
import type { Terminal } from './terminal.ts';

type Values = OptionValues<typeof pipelineOptions>;

/** The instruments that a command line asks for, and what is printed when the passes are done. */
export interface CommandInstruments {
  readonly list: readonly Instrument[];
  readonly finish: () => Promise<void>;
}

/** Reproducers are always written; the rest is asked for. Meaning is compared on samples of `data` where there are any. */
export function instrumentsFor(values: Values, terminal: Terminal, data?: Dataset): CommandInstruments {
  const before = chosen(values['print-ir-before'], values['print-ir-before-all']);
  const after = chosen(values['print-ir-after'], values['print-ir-after-all'] || terminal.debug >= 3);
  const times = values['time-passes'] ? timing(() => process.memoryUsage.rss()) : undefined;
  const graphs = values['dump-graph'] === undefined ? undefined : graphDump(values['dump-graph'], data);
  const checks = values['verify-semantics'];
  terminal.crash.file = values.reproducer;
  const list = [
    reproducer({ write: (found, error) => keep(found, error, checks, terminal) }),
    ...(terminal.debug >= 1 ? [passLog({ print: terminal.error })] : []),
    ...(times ? [times] : []),
    ...(before.length > 0 || after.length > 0 ? [printIr({ before, after, print: terminal.error })] : []),
    ...(values['trace-rewrites'] || terminal.debug >= 2 ? [traceRewrites({ print: terminal.error })] : []),
    ...(checks ? [semantics(data)] : []),
    ...(graphs ? [graphs] : []),
  ];
  const finish = async () => {
    if (times) terminal.error(timingTable(times.times));
    await graphs?.finish();
  };
  return { list, finish };
}

function graphDump(folder: string, data: Dataset | undefined): GraphDump {
  checkOutputFolder(folder);
  return dumpGraph(folder, data);
}

/** @throws QcError for a name that no pass has */
function chosen(names: readonly string[] | undefined, all: boolean): PassChoice {
  for (const name of names ?? []) passes.get(name);
  return all || names?.length === 0 ? 'all' : (names ?? []);
}

/** A pass that refuses bad input has not crashed. */
function keep(found: Reproducer, error: unknown, checks: boolean, terminal: Terminal): void {
  if (error instanceof QcError) return;
  const text = checks ? found.text.replace('// RUN: qc opt ', '// RUN: qc opt --verify-semantics ') : found.text;
  writeReproducer({ ...found, text }, terminal);
}
