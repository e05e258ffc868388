import { didYouMean, QcError } from '../support/diagnostics.ts';
import type { Command } from './command.ts';
import { commands, planned } from './commands/index.ts';
import { debugLevel } from './debugLevel.ts';
import type { generalOptions } from './globalOptions.ts';
import { commandText, overviewText } from './help.ts';
import { type Terminal, terminalOn } from './terminal.ts';
import { UsageError } from './usage.ts';
import { packageVersion } from './version.ts';

/** Done; the input is bad; the command line is wrong; a bug in qc. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs one command line, without the program's name, and gives the exit code. Never throws. */
export async function runProgram(argv: readonly string[], streams: Streams): Promise<ExitCode> {
  const general = takeGeneral(argv);
  const plain = { commandLine: quoteCommand(argv), ...general };
  let terminal = terminalOn(streams, { ...plain, debug: 0 });
  try {
    terminal = terminalOn(streams, { ...plain, debug: debugLevel(process.env.QC_DEBUG) });
    await dispatch(general, terminal);
    return 0;
  } catch (error) {
    return reportError(error, terminal);
  }
}

interface General {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly help: boolean;
  readonly rest: readonly string[];
}

/** The options of every command, taken from wherever they stand before `--`. */
function takeGeneral(argv: readonly string[]): General {
  const end = argv.indexOf('--');
  const open = end < 0 ? argv : argv.slice(0, end);
  const words: Record<string, keyof typeof generalOptions> = { '--json': 'json', '--quiet': 'quiet', '--help': 'help' };
  words['-h'] = 'help';
  const seen = new Set(open.map((word) => words[word]));
  return {
    json: seen.has('json'),
    quiet: seen.has('quiet'),
    help: seen.has('help'),
    rest: [...open.filter((word) => !Object.hasOwn(words, word)), ...(end < 0 ? [] : argv.slice(end))],
  };
}

async function dispatch({ help, rest }: General, terminal: Terminal): Promise<void> {
  const [name, ...args] = rest;
  if (name === '--version' || name === '-v') return terminal.print(packageVersion());
  if (name === undefined || name === 'help') {
    const [asked] = args;
    return terminal.print(asked === undefined ? overviewText(commands) : commandText(findCommand(asked)));
  }
  const command = findCommand(name);
  if (help) return terminal.print(commandText(command));
  if (args.includes('--version')) return terminal.print(packageVersion());
  await command.execute(args, terminal);
}

function findCommand(name: string): Command {
  const command = commands.find((one) => one.name === name);
  if (command) return command;
  const known = `there are: ${commands.map((one) => one.name).join(', ')}`;
  if (planned.has(name)) throw new UsageError(`qc ${name} is planned and not there yet`, known);
  if (name.startsWith('-')) {
    throw new UsageError(`the command comes first, found '${name}'`, `write qc COMMAND …; ${known}`);
  }
  const near = didYouMean(name, [...commands.map((one) => one.name), ...planned.keys()]);
  throw new UsageError(`there is no command '${name}'`, near ? `did you mean '${near}'? ${known}` : known);
}

async function reportError(error: unknown, terminal: Terminal): Promise<ExitCode> {
  if (terminal.debug > 0 && error instanceof Error) terminal.error(error.stack ?? error.message);
  if (error instanceof UsageError) {
    terminal.error(`qc: ${error.message}${error.help ? `\n  help: ${error.help}` : ''}`);
    return 2;
  }
  if (error instanceof QcError) {
    terminal.error(`qc: ${error.message}`);
    return 1;
  }
  const { reportBug } = await import('./bug.ts');
  reportBug(error, terminal);
  return 3;
}

/** The command line as a shell reads it. */
function quoteCommand(argv: readonly string[]): string {
  const quoted = argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
  return ['qc', ...quoted].join(' ');
}
