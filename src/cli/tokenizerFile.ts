import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readNpy } from '../calibrate/data/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { readFile } from './files.ts';

/** What turns text into tokens and back. */
export interface TextTokenizer {
  /** The tokens of a prompt, with those that begin a text. */
  encode(text: string): number[];
  decode(tokens: readonly number[]): string;
  /** The token that a text names as a whole, such as `<s>`. */
  special(text: string): number | undefined;
  /** Tokens that end a text. */
  readonly ends: readonly number[];
}

/** Reads a tokenizer.json, or a .npy array with a code point for each token. @throws QcError */
export async function loadTokenizer(path: string): Promise<TextTokenizer> {
  return path.endsWith('.npy') ? characters(path) : readTokenizerJson(path);
}

/** A token for each character. */
function characters(path: string): TextTokenizer {
  const { shape, data } = readNpy(readFile(path), path);
  const letters = Array.from(data as ArrayLike<number | bigint>, Number);
  if (
    shape.length !== 1 ||
    letters.some((letter) => !(Number.isInteger(letter) && letter >= 0 && letter <= 0x10ffff))
  ) {
    throw new QcError({
      what: 'the array is no list of characters',
      where: path,
      why: 'it needs one axis, with the code point of each token',
      help: 'give such an array, or a tokenizer.json',
    });
  }
  const tokens = new Map(letters.map((letter, token) => [letter, token]));
  return {
    encode: (text) =>
      [...text].map((letter) => {
        const token = tokens.get(letter.codePointAt(0) as number);
        if (token !== undefined) return token;
        throw new QcError({ what: `the model has no token for '${letter}'`, where: path, help: 'leave it out' });
      }),
    decode: (some) => String.fromCodePoint(...some.map((token) => letters[token] ?? 0xfffd)),
    special: () => undefined,
    ends: [],
  };
}

async function readTokenizerJson(path: string): Promise<TextTokenizer> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const config = configBeside(path);
  const content = parseJson(path);
  const tokenizer = (() => {
    try {
      return new Tokenizer(content, config);
    } catch (error) {
      throw new QcError({
        what: 'the file is no tokenizer.json that can be read',
        where: path,
        why: error instanceof Error ? error.message : String(error),
        help: 'give the tokenizer.json that belongs to the model',
      });
    }
  })();
  const eos = nameOf(config.eos_token);
  const end = eos === undefined ? undefined : tokenizer.token_to_id(eos);
  return {
    encode: (text) => tokenizer.encode(text).ids,
    decode: (tokens) => tokenizer.decode([...tokens], { skip_special_tokens: true }),
    special: (text) => [...tokenizer.get_added_tokens_decoder()].find(([, { content }]) => content === text)?.[0],
    ends: end === undefined ? [] : [end],
  };
}

/** The tokenizer_config.json in the same folder, if there is one. */
function configBeside(path: string): { readonly eos_token?: unknown } {
  const beside = join(dirname(path), 'tokenizer_config.json');
  return existsSync(beside) ? parseJson(beside) : {};
}

function nameOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const content = (token as { readonly content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}

function parseJson(path: string): object {
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(readFile(path)));
    if (typeof content === 'object' && content !== null) return content;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new QcError({ what: 'the file is no JSON', where: path, why: error.message });
  }
  throw new QcError({ what: 'the file is no JSON object', where: path });
}
