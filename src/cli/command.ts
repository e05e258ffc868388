import { type OptionTable, type OptionValues, parseOptions } from './options.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface CommandSpec<O extends OptionTable> {
  readonly name: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** What follows `qc NAME`. */
  readonly usage: string;
  /** Paragraphs for help and documentation. */
  readonly details: readonly string[];
  /** Command lines that work. */
  readonly examples: readonly string[];
  /** Names of the arguments that must be given. */
  readonly arguments: readonly string[];
  /** Names of further arguments that may be left out. */
  readonly optional?: readonly string[];
  readonly options: O;
  /** Does the work. Heavy modules are imported here and not at the top of the command's file. */
  readonly run: (args: readonly string[], options: OptionValues<O>, terminal: Terminal) => Promise<void>;
}

/** A command with the types of its options erased. */
export interface Command extends Omit<CommandSpec<OptionTable>, 'run'> {
  /** Parses the arguments and does the work. @throws UsageError | QcError */
  readonly execute: (argv: readonly string[], terminal: Terminal) => Promise<void>;
}

/** Declares a command. */
export function defineCommand<const O extends OptionTable>(spec: CommandSpec<O>): Command {
  const { run, ...data } = spec;
  return {
    ...data,
    async execute(argv, terminal) {
      const { values, positionals } = parseOptions(argv, spec.options, spec.name);
      const missing = spec.arguments[positionals.length];
      if (missing) throw new UsageError(`${missing} is missing`, `write qc ${spec.name} ${spec.usage}`);
      const extra = positionals[spec.arguments.length + (spec.optional ?? []).length];
      if (extra !== undefined) {
        throw new UsageError(`'${extra}' is one argument too many`, `write qc ${spec.name} ${spec.usage}`);
      }
      await run(positionals, values as OptionValues<O>, terminal);
    },
  };
}
