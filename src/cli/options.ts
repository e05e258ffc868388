import { parseArgs } from 'node:util';
import { didYouMean } from '../support/diagnostics.ts';
import { UsageError } from './usage.ts';

/** What an option takes, as data: parsing, help and documentation derive from it. */
export interface OptionSpec {
  /**
   * `flag` takes nothing; `text` one value, the last one counts; `texts` one value each time it is given; `words` one
   * value of words separated by commas; `count` a whole number from 1; `number` any number; `maybe` a value only after an
   * equals sign.
   */
  readonly kind: 'flag' | 'text' | 'texts' | 'words' | 'count' | 'number' | 'maybe';
  /** How help names the value. */
  readonly value?: string;
  /** The values that are allowed. */
  readonly choices?: readonly string[];
  readonly short?: string;
  /** One phrase. */
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

interface Parsed {
  readonly flag: boolean;
  readonly text: string | undefined;
  readonly texts: readonly string[];
  readonly words: readonly string[];
  readonly count: number | undefined;
  readonly number: number | undefined;
  /** Undefined: not given; empty: given without a value. */
  readonly maybe: readonly string[] | undefined;
}

/** The values of a table's options by name. */
export type OptionValues<T extends OptionTable> = { readonly [K in keyof T]: Parsed[T[K]['kind']] };

export interface ParsedArguments {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/** Reads a command's arguments by its table. @throws UsageError when an option is unknown or its value is wrong */
export function parseOptions(args: readonly string[], table: OptionTable, command: string): ParsedArguments {
  const given = new Map<string, (string | undefined)[]>();
  const positionals: string[] = [];
  const { tokens } = parseArgs({
    args: [...args],
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(table).map(([name, { kind, short }]) => [
        name,
        { type: kind === 'flag' || kind === 'maybe' ? 'boolean' : 'string', ...(short ? { short } : {}) },
      ]),
    ),
  });
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (!spec) throw unknownOption(token.rawName, table, command);
    checkValue(spec, token, command);
    given.set(token.name, [...(given.get(token.name) ?? []), token.value]);
  }
  const values = Object.fromEntries(
    Object.entries(table).map(([name, spec]) => [name, readValue(name, spec, given.get(name), command)]),
  );
  return { values, positionals };
}

function unknownOption(rawName: string, table: OptionTable, command: string): UsageError {
  const near = didYouMean(rawName.replace(/^-+/, ''), Object.keys(table));
  return new UsageError(
    `there is no option '${rawName}'${command ? ` in qc ${command}` : ''}`,
    near ? `did you mean --${near}?` : `qc ${command ? `${command} ` : ''}--help lists the options`,
  );
}

function checkValue(
  spec: OptionSpec,
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
  command: string,
): void {
  const { rawName, value, inlineValue } = token;
  const takes = `${rawName} ${spec.value ?? 'VALUE'}`;
  if (spec.kind === 'flag' && value !== undefined) {
    throw new UsageError(`${rawName} takes no value`, `write ${rawName} alone`);
  }
  if (spec.kind === 'flag' || spec.kind === 'maybe') return;
  if (value === undefined || value === '' || (!inlineValue && /^--?[a-z]/.test(value))) {
    throw new UsageError(`${rawName} needs a value`, `write ${takes}; qc ${command} --help says what it is`);
  }
}

function readValue(
  name: string,
  spec: OptionSpec,
  given: (string | undefined)[] | undefined,
  command: string,
): unknown {
  const texts = (given ?? []).filter((value) => value !== undefined);
  const last = texts.at(-1);
  switch (spec.kind) {
    case 'flag':
      return given !== undefined;
    case 'text':
      if (last !== undefined) checkChoice(name, last, spec, command);
      return last;
    case 'texts':
      return texts;
    case 'words': {
      const words = [...new Set((last ?? '').split(',').filter((word) => word !== ''))];
      for (const word of words) checkChoice(name, word, spec, command);
      return words;
    }
    case 'count':
      return last === undefined ? undefined : countOf(name, last);
    case 'number':
      return last === undefined ? undefined : numberOf(name, last);
    case 'maybe':
      return given ? texts.flatMap((text) => text.split(',')) : undefined;
  }
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new UsageError(`--${name} ${text}: a whole number from 1 is needed`);
}

function numberOf(name: string, text: string): number {
  if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  throw new UsageError(`--${name} ${text}: a number is needed`);
}

function checkChoice(name: string, word: string, { choices }: OptionSpec, command: string): void {
  if (!choices || choices.includes(word)) return;
  const there = `there are: ${choices.join(', ')}`;
  const near = didYouMean(word, choices);
  const label = `--${name}${command === '' ? '' : ` of qc ${command}`}`;
  throw new UsageError(`'${word}' is no value for ${label}`, near ? `did you mean '${near}'? ${there}` : there);
}
