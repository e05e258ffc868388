import { QcError } from '../support/diagnostics.ts';

/** The value of a pass's option. */
export type OptionValue = boolean | number | string | readonly OptionValue[];

export type OptionValues = Readonly<Record<string, OptionValue>>;

/** One pass to run, with the options that were given. */
export interface PipelineStep {
  readonly pass: string;
  readonly options: OptionValues;
}

/** Passes in the order in which they run. */
export type Pipeline = readonly PipelineStep[];

const blank = /\s*/y;
const passName = /[A-Za-z_][\w.-]*/y;
const optionName = /[A-Za-z_][\w-]*/y;
const number = /-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])|inf(?![\w.-]))/y;
const word = /[A-Za-z_][\w.-]*/y;
const quoted = /"(?:[^"\\]|\\.)*"/y;
const special: Readonly<Record<string, OptionValue>> = { true: true, false: false, nan: Number.NaN };

/**
 * Reads a pipeline: `fold-batch-norm,quantize{weights=i8,axis=0,skip=["conv 1", fc]}`. Values are numbers, words,
 * quoted texts, `true`, `false` and lists.
 *
 * @throws QcError with the column, where the text is no pipeline.
 */
export function parsePipeline(text: string): Pipeline {
  const reader = new Reader(text);
  if (reader.atEnd()) return [];
  const steps: PipelineStep[] = [];
  do steps.push(readStep(reader));
  while (reader.take(','));
  if (!reader.atEnd()) reader.fail("',' or the end");
  return steps;
}

function readStep(reader: Reader): PipelineStep {
  const pass = reader.match(passName) ?? reader.fail("a pass's name");
  const options: [string, OptionValue][] = [];
  if (reader.take('{') && !reader.take('}')) {
    do {
      const name = reader.match(optionName) ?? reader.fail("an option's name");
      reader.expect('=');
      options.push([name, readValue(reader)]);
    } while (reader.take(','));
    reader.expect('}');
  }
  return { pass, options: Object.fromEntries(options) };
}

function readValue(reader: Reader): OptionValue {
  if (reader.take('[')) {
    const values: OptionValue[] = [];
    if (reader.take(']')) return values;
    do values.push(readValue(reader));
    while (reader.take(','));
    reader.expect(']');
    return values;
  }
  const digits = reader.match(number);
  if (digits !== undefined) return Number(digits.replace('inf', 'Infinity'));
  const plain = reader.match(word);
  if (plain !== undefined) return Object.hasOwn(special, plain) ? (special[plain] as OptionValue) : plain;
  const literal = reader.match(quoted);
  if (literal === undefined) return reader.fail('a value');
  try {
    return JSON.parse(literal) as string;
  } catch {
    return reader.fail('escapes as in JSON before this');
  }
}

/** Reads tokens one after the other; blanks between them do not count. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  match(pattern: RegExp): string | undefined {
    this.#skip(blank);
    return this.#skip(pattern);
  }

  take(sign: string): boolean {
    this.#skip(blank);
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  expect(sign: string): void {
    if (!this.take(sign)) this.fail(`'${sign}'`);
  }

  atEnd(): boolean {
    this.#skip(blank);
    return this.#at === this.#text.length;
  }

  fail(expected: string): never {
    this.#skip(blank);
    const rest = this.#text.slice(this.#at, this.#at + 30);
    throw new QcError({
      what: `the pipeline is not understood: expected ${expected}, ${rest ? `found '${rest}'` : 'the text ends'}`,
      where: `column ${this.#at + 1} of '${this.#text}'`,
      help: 'write passes as fold-batch-norm,quantize{weights=i8,axis=0}',
    });
  }

  #skip(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}

/** The text that parsePipeline reads as `pipeline`; it holds no single quote, so that a shell can quote it. */
export function printPipeline(pipeline: Pipeline): string {
  return pipeline.map(({ pass, options }) => `${pass}${optionsText(options)}`).join(',');
}

function optionsText(options: OptionValues): string {
  const entries = Object.entries(options).map(([name, value]) => `${name}=${valueText(value)}`);
  return entries.length > 0 ? `{${entries.join(',')}}` : '';
}

function valueText(value: OptionValue): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'nan';
    return Object.is(value, -0) ? '-0' : String(value).replace('Infinity', 'inf');
  }
  if (typeof value !== 'string') return `[${value.map(valueText).join(', ')}]`;
  const bare = /^[A-Za-z_][\w.-]*$/.test(value) && !Object.hasOwn(special, value) && value !== 'inf';
  return bare ? value : JSON.stringify(value).replaceAll("'", '\\u0027');
}
