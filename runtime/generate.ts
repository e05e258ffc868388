/** Generation with a compiled decoder: tokens in, the next token out, again and again. */

import { checkSampling, randomNumbers, type Sampling, sample } from './sampling.ts';
import type { Data, SizeBounds, Tensors } from './tensors.ts';

/** An input or output of a decoder, as a program's signature describes it. */
export interface DecoderPort {
  readonly name: string;
  readonly dtype: string;
  /** A name where a run may choose the size. */
  readonly shape: readonly (number | string)[];
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

export interface DecoderSignature {
  readonly inputs: readonly DecoderPort[];
  readonly outputs: readonly DecoderPort[];
  /** What the program keeps between runs: its cache. */
  readonly states: readonly { readonly name: string }[];
  readonly sizes: readonly SizeBounds[];
}

/** A compiled program that gives scores for the next token. What `load()` of a model's script gives is one. */
export interface Decoder {
  readonly signature: DecoderSignature;
  run(inputs: object): object | Promise<object>;
  /** Empties what the program keeps. */
  reset?(): void | Promise<void>;
}

export interface GenerateOptions {
  /** Tokens that the text begins with: at least one. */
  readonly prompt: readonly number[];
  /** Tokens at most, besides the prompt. Default 256. */
  readonly maxTokens?: number;
  /** Tokens that end the text; they are not given. */
  readonly stopTokens?: readonly number[];
  readonly sampling?: Sampling;
}

/** Why a text ended: a token of `stopTokens`, `maxTokens`, or no room for more tokens in the program. */
export type Ending = 'stop' | 'length' | 'full';

/**
 * Gives tokens one by one, as soon as each is known. The decoder is reset first. A program with states is fed the
 * prompt in runs as long as it takes them, then each token once; one without is run on the whole text for each token.
 *
 * Throws a TypeError for a program that is no decoder, a RangeError for options or a prompt that don't fit.
 */
export async function* generate(decoder: Decoder, options: GenerateOptions): AsyncGenerator<number, Ending> {
  const { prompt, maxTokens = 256, stopTokens = [], sampling = {} } = options;
  if (prompt.length === 0) throw new RangeError('the prompt is empty: give at least one token');
  checkSampling(sampling);
  const feed = feeder(decoder);
  if (prompt.length > feed.room) {
    throw new RangeError(`the prompt has ${prompt.length} tokens; the program has room for ${feed.room}`);
  }
  const random = randomNumbers(sampling.seed ?? 0);
  const text = [...prompt];
  await decoder.reset?.();
  let scores = await feed.next(text, text.length);
  for (let made = 0; made < maxTokens; made++) {
    const token = sample(scores, sampling, random);
    if (stopTokens.includes(token)) return 'stop';
    yield token;
    text.push(token);
    if (made + 1 === maxTokens) break;
    if (text.length > feed.room) return 'full';
    scores = await feed.next(text, 1);
  }
  return 'length';
}

/** Feeds a program the end of a text. */
interface Feeder {
  /** Tokens of a text at most. */
  readonly room: number;
  /** Scores behind `text`, of which the last `added` tokens are new. */
  next(text: readonly number[], added: number): Promise<ArrayLike<number>>;
}

/** What the inputs and the output of a decoder are for, and how many tokens a run takes. */
interface Roles {
  readonly tokens: DecoderPort;
  /** 1 for tokens that are there. */
  readonly mask: DecoderPort | undefined;
  /** The place of each token in the text. */
  readonly positions: DecoderPort | undefined;
  readonly scores: DecoderPort;
  readonly least: number;
  readonly most: number;
}

function feeder(decoder: Decoder): Feeder {
  const { states, sizes } = decoder.signature;
  const roles = rolesOf(decoder.signature);
  const { least, most } = roles;
  if (states.length === 0) {
    return { room: most, next: (text) => runOn(decoder, roles, text, 0) };
  }
  if (least > 1) {
    throw new TypeError(
      `the program keeps a cache and takes ${least} tokens a run: compile it for 1, or for any number within bounds`,
    );
  }
  return {
    room: Math.min(...sizes.filter(({ grows }) => grows).map(({ max }) => max)),
    async next(text, added) {
      let scores: ArrayLike<number> = [];
      for (let from = text.length - added; from < text.length; from += most) {
        scores = await runOn(decoder, roles, text.slice(from, from + most), from);
      }
      return scores;
    },
  };
}

/** Runs on tokens with `before` others before them; scores of the token behind the last one. */
async function runOn(
  decoder: Decoder,
  { tokens, mask, positions, scores, least }: Roles,
  text: readonly number[],
  before: number,
): Promise<ArrayLike<number>> {
  // a program of a fixed length is given more tokens behind the text, which a decoder does not look at
  const length = Math.max(text.length, least);
  const places = Array.from({ length }, (_, i) => before + i);
  const given: Record<string, Data> = {
    [tokens.name]: integers(
      tokens,
      places.map((_, i) => text[i] ?? 0),
    ),
  };
  if (positions) given[positions.name] = integers(positions, places);
  if (mask) {
    const size = mask.shape.at(-1);
    const there = Array.from({ length: typeof size === 'number' ? size : before + length }, (_, i) =>
      Number(i < before + text.length),
    );
    given[mask.name] = integers(mask, there);
  }
  const results = (await decoder.run(given)) as Tensors;
  const found = results[scores.name] as Exclude<Data, BigInt64Array | BigUint64Array>;
  const words = scores.shape.at(-1) as number;
  const row = Math.min(text.length, found.length / words) - 1;
  const last = found.subarray(row * words, (row + 1) * words);
  const { quantization } = scores;
  return quantization ? Array.from(last, (code) => (code - quantization.zeroPoint) * quantization.scale) : last;
}

function integers({ dtype, name }: DecoderPort, values: readonly number[]): Data {
  if (dtype === 'i64') return BigInt64Array.from(values, BigInt);
  if (dtype === 'i32') return Int32Array.from(values);
  if (dtype === 'f32') return Float32Array.from(values);
  throw new TypeError(`the input ${JSON.stringify(name)} has elements of ${dtype}; tokens are i64 or i32`);
}

const isIntegers = ({ dtype }: DecoderPort) => dtype === 'i64' || dtype === 'i32';

/** Finds the tokens, the mask and the positions by the names that exporters give them. */
function rolesOf({ inputs, outputs, sizes }: DecoderSignature): Roles {
  const mask = inputs.find(({ name }) => /mask/i.test(name));
  const positions = inputs.find((port) => isIntegers(port) && /position/i.test(port.name));
  const rest = inputs.filter((port) => port !== mask && port !== positions);
  const [tokens] = rest;
  const names = (ports: readonly DecoderPort[]) => ports.map(({ name }) => JSON.stringify(name)).join(', ') || 'none';
  if (rest.length !== 1 || !tokens || !isIntegers(tokens)) {
    throw new TypeError(
      `the program is no decoder of tokens: besides a mask and positions it takes ${names(rest)}, and not tokens alone; caches are states of the program (--state)`,
    );
  }
  const named = outputs.filter(({ name }) => /logits/i.test(name));
  const [scores] = named.length > 0 ? named : outputs;
  if ((named.length !== 1 && outputs.length !== 1) || typeof scores?.shape.at(-1) !== 'number') {
    throw new TypeError(`which output has the scores of tokens is not clear: the program gives ${names(outputs)}`);
  }
  const length = tokens.shape.at(-1) ?? 1;
  const bounds = typeof length === 'number' ? { min: length, max: length } : sizes.find(({ name }) => name === length);
  if (!bounds || tokens.shape.slice(0, -1).some((size) => size !== 1)) {
    throw new TypeError(`the tokens have the shape [${tokens.shape.join(', ')}], and not [1, tokens]`);
  }
  return { tokens, mask, positions, scores, least: bounds.min, most: bounds.max };
}
