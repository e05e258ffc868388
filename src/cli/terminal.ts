import type { Module } from '../ir/index.ts';

/** What is known when qc itself fails. */
export interface CrashNotes {
  /** Where the user wants the reproducer; undefined: a file of its own name in the current folder. */
  file: string | undefined;
  /** The module that was being worked on. */
  module: Module | undefined;
  /** The reproducer that a failed pass has left already. */
  written: string | undefined;
}

/** Where a command's lines go: what was asked for to standard output, everything else to standard error. */
export interface Terminal {
  /** The command line that was given, for messages and reproducers. */
  readonly commandLine: string;
  /** One JSON document instead of text. */
  readonly json: boolean;
  /** The level of QC_DEBUG. */
  readonly debug: number;
  readonly crash: CrashNotes;
  /** A line, or several, of the result. */
  print(text: string): void;
  /** A part of the result as it comes, without the end of a line. */
  write(text: string): void;
  /** The result as JSON, indented. */
  printJson(value: unknown): void;
  /** A line about what is being done or decided; left out with --quiet. */
  note(text: string): void;
  /** A line of an error. */
  error(text: string): void;
}

/** A terminal on two text streams. */
export function terminalOn(
  streams: { readonly out: (text: string) => void; readonly err: (text: string) => void },
  settings: {
    readonly commandLine: string;
    readonly quiet: boolean;
    readonly json: boolean;
    readonly debug: number;
  },
): Terminal {
  const { commandLine, quiet, json, debug } = settings;
  return {
    commandLine,
    json,
    debug,
    crash: { file: undefined, module: undefined, written: undefined },
    print: (text) => streams.out(text.endsWith('\n') ? text : `${text}\n`),
    write: (text) => streams.out(text),
    printJson: (value) => streams.out(`${JSON.stringify(value, undefined, 2)}\n`),
    note: (text) => {
      if (!quiet) streams.err(`${text}\n`);
    },
    error: (text) => streams.err(`${text}\n`),
  };
}
