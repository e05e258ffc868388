import { type Ending, generate } from '../../runtime/generate.ts';
import { textStream } from '../../runtime/textStream.ts';
import { QcError } from '../support/diagnostics.ts';
import { openDecoder } from './decoderHost.ts';
import type { Terminal } from './terminal.ts';
import { loadTokenizer } from './tokenizerFile.ts';
import { UsageError } from './usage.ts';

export interface GenerateArguments {
  readonly tokenizer: string | undefined;
  readonly prompt: string | undefined;
  readonly 'max-tokens': number | undefined;
  readonly temperature: number | undefined;
  readonly 'top-k': number | undefined;
  readonly 'top-p': number | undefined;
  readonly 'min-p': number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
}

const endings: Readonly<Record<Ending, string>> = {
  stop: 'the text has ended',
  length: '--max-tokens are there',
  full: 'the program has no room for more tokens',
};

/** Writes text as it is generated, and then how fast it came. */
export async function generateText(path: string, options: GenerateArguments, terminal: Terminal): Promise<void> {
  const { tokenizer: tokenizerPath, prompt = '', stop, temperature, seed } = options;
  if (tokenizerPath === undefined) throw new UsageError('--tokenizer is missing', 'write --tokenizer tokenizer.json');
  const sampling = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(options['top-k'] === undefined ? {} : { topK: options['top-k'] }),
    ...(options['top-p'] === undefined ? {} : { topP: options['top-p'] }),
    ...(options['min-p'] === undefined ? {} : { minP: options['min-p'] }),
    ...(seed === undefined ? {} : { seed }),
  };
  const tokenizer = await loadTokenizer(tokenizerPath);
  const begun = tokenizer.encode(prompt);
  if (begun.length === 0) {
    throw new UsageError('the prompt is empty', 'the tokenizer begins a text with no token of its own: give --prompt');
  }
  const special = stop.map((text) => tokenizer.special(text));
  const text = textStream(
    tokenizer,
    begun,
    stop.filter((_, i) => special[i] === undefined),
  );
  const stopTokens = [...tokenizer.ends, ...special.filter((token) => token !== undefined)];
  const { decoder, close } = await openDecoder(path);
  const show = (part: string) => {
    written += part;
    if (!terminal.json) terminal.write(part);
  };
  let written = '';
  const tokens: number[] = [];
  if (!terminal.json) terminal.write(prompt);
  const start = performance.now();
  let [first, ending]: [number | undefined, Ending] = [undefined, 'stop'];
  try {
    const stream = generate(decoder, { prompt: begun, maxTokens: options['max-tokens'] ?? 256, stopTokens, sampling });
    while (!text.stopped) {
      const step = await stream.next();
      if (step.done) {
        ending = step.value;
        break;
      }
      first ??= performance.now();
      tokens.push(step.value);
      show(text.push(step.value));
    }
    show(text.end());
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new QcError({ what: 'the artifact cannot generate text', where: path, why: error.message });
    }
    throw error;
  } finally {
    await close();
  }
  const now = performance.now();
  const perSecond = tokens.length > 1 ? ((tokens.length - 1) / (now - (first ?? now))) * 1000 : 0;
  if (terminal.json) {
    return terminal.printJson({
      prompt,
      text: written,
      promptTokens: begun,
      tokens,
      ending,
      tokensPerSecond: perSecond,
    });
  }
  terminal.write('\n');
  terminal.note(
    `${tokens.length} tokens, ${perSecond.toFixed(0)} a second; the first after ${((first ?? now) - start).toFixed(1)} ms, behind ${begun.length} of the prompt; ${endings[ending]}`,
  );
}
