import { interpret } from '../interpret/index.ts';
import type { Module } from '../ir/index.ts';
import {
  type Instrument,
  type PassChoice,
  printIr,
  type Reproducer,
  reproducer,
  timing,
  timingTable,
  verifySemantics,
} from '../pass/index.ts';
import { InternalError, QcError } from '../support/diagnostics.ts';
import { writeReproducer } from './bug.ts';
import type { pipelineOptions } from './globalOptions.ts';
import type { OptionValues } from './options.ts';
import type { Terminal } from './terminal.ts';

type Values = OptionValues<typeof pipelineOptions>;

/** The instruments that a command line asks for, and what is printed when the passes are done. */
export interface CommandInstruments {
  readonly list: readonly Instrument[];
  readonly finish: () => void;
}

/** Reproducers are always written; the rest is asked for. */
export function instrumentsFor(values: Values, terminal: Terminal): CommandInstruments {
  const before = chosen(values['print-ir-before'], values['print-ir-before-all']);
  const after = chosen(values['print-ir-after'], values['print-ir-after-all']);
  const times = values['time-passes'] ? timing() : undefined;
  const checks = values['verify-semantics'];
  terminal.crash.file = values.reproducer;
  const list = [
    reproducer({ write: (found, error) => keep(found, error, checks, terminal) }),
    ...(times ? [times] : []),
    ...(before.length > 0 || after.length > 0 ? [printIr({ before, after, print: terminal.error })] : []),
    ...(checks ? [semantics()] : []),
  ];
  const finish = () => {
    if (times) terminal.error(timingTable(times.times));
  };
  return { list, finish };
}

function chosen(names: readonly string[] | undefined, all: boolean): PassChoice {
  return all || names?.length === 0 ? 'all' : (names ?? []);
}

/** A pass that refuses bad input has not crashed. */
function keep(found: Reproducer, error: unknown, checks: boolean, terminal: Terminal): void {
  if (error instanceof QcError) return;
  const text = checks ? found.text.replace('// RUN: qc opt ', '// RUN: qc opt --verify-semantics ') : found.text;
  writeReproducer({ ...found, text }, terminal);
}

/** A pass that does not keep its promise is a bug of qc, not of the model. */
function semantics(): Instrument {
  const { before, after, failed } = verifySemantics({
    interpret: (module: Module, inputs) => interpret(module, inputs),
  });
  return {
    ...(before ? { before } : {}),
    ...(failed ? { failed } : {}),
    async after(run, module, ...rest) {
      try {
        await after?.(run, module, ...rest);
      } catch (error) {
        throw error instanceof QcError ? new InternalError(error.message) : error;
      }
    },
  };
}
