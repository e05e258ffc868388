import { describe, expect, it } from 'vitest';
import {
  type Decoder,
  type DecoderSignature,
  type Ending,
  type GenerateOptions,
  generate,
} from '../../runtime/generate.ts';
import type { Tensors } from '../../runtime/tensors.ts';

const words = 10;
const port = (name: string, shape: (number | string)[], dtype = 'i64') => ({ name, dtype, shape });
const logits = (rows: number | string) => port('logits', [1, rows, words], 'f32');

/** The token behind a text: what the last two come to, so that a token that is fed wrongly changes all that follow. */
const following = (text: readonly number[]) => ((text.at(-1) ?? 0) + 3 * (text.at(-2) ?? 0) + 1) % words;

function expected(prompt: readonly number[], count: number): number[] {
  const text = [...prompt];
  for (let i = 0; i < count; i++) text.push(following(text));
  return text.slice(prompt.length);
}

/** A decoder that knows what it was fed. */
function decoder(signature: DecoderSignature, runs: Tensors[]): Decoder {
  let kept: number[] = [];
  return {
    signature,
    reset() {
      kept = [];
    },
    run(inputs) {
      const given = inputs as Tensors;
      runs.push(given);
      const fed = Array.from(given.ids as BigInt64Array, Number);
      const before = signature.states.length > 0 ? kept : [];
      const all = [...before, ...fed];
      kept = all;
      const rows = fed.map((_, i) => following(all.slice(0, before.length + i + 1)));
      return {
        logits: Float32Array.from({ length: fed.length * words }, (_, i) =>
          Number(i % words === rows[Math.floor(i / words)]),
        ),
      };
    },
  };
}

const states = [{ name: 'past' }];
const grows = (max: number) => ({ name: 'P', min: 0, max, grows: true });
const open = (max: number) => ({ name: 'T', min: 1, max, grows: false });

async function run(of: Decoder, options: GenerateOptions): Promise<{ tokens: number[]; ending: Ending }> {
  const stream = generate(of, options);
  const tokens: number[] = [];
  for (;;) {
    const step = await stream.next();
    if (step.done) return { tokens, ending: step.value };
    tokens.push(step.value);
  }
}

const prompt = [4, 2, 7, 1, 5];

describe('generation', () => {
  it.each<[string, DecoderSignature, number[]]>([
    [
      'a cache, one token a run',
      { inputs: [port('ids', [1, 1])], outputs: [logits(1)], states, sizes: [grows(64)] },
      [1, 1, 1, 1, 1, 1, 1],
    ],
    [
      'a cache, runs of two',
      { inputs: [port('ids', [1, 'T'])], outputs: [logits('T')], states, sizes: [open(2), grows(64)] },
      [2, 2, 1, 1, 1],
    ],
    [
      'no cache, an open length',
      { inputs: [port('ids', [1, 'T'])], outputs: [logits('T')], states: [], sizes: [open(64)] },
      [5, 6, 7],
    ],
    [
      'no cache, a fixed length',
      { inputs: [port('ids', [1, 9])], outputs: [logits(9)], states: [], sizes: [] },
      [9, 9, 9],
    ],
  ])('%s: each token is what follows the text', async (_, signature, lengths) => {
    const runs: Tensors[] = [];
    const found = await run(decoder(signature, runs), { prompt, maxTokens: 3 });
    expect(found).toEqual({ tokens: expected(prompt, 3), ending: 'length' });
    expect(runs.map(({ ids }) => ids?.length)).toEqual(lengths);
  });

  it('feeds positions and a mask of all that is there', async () => {
    const runs: Tensors[] = [];
    const inputs = [port('attention_mask', [1, 'P + T']), port('ids', [1, 'T']), port('position_ids', [1, 'T'])];
    const of = decoder({ inputs, outputs: [logits('T')], states, sizes: [open(4), grows(64)] }, runs);
    await run(of, { prompt, maxTokens: 2 });
    expect(runs.map(({ position_ids }) => [...(position_ids as BigInt64Array)].join())).toEqual(['0,1,2,3', '4', '5']);
    expect(runs.map(({ attention_mask }) => [...(attention_mask as BigInt64Array)].join(''))).toEqual([
      '1111',
      '11111',
      '111111',
    ]);
    const whole: Tensors[] = [];
    const fixed = [port('ids', [1, 7], 'i32'), port('mask', [1, 7], 'f32')];
    const again: Decoder = { ...decoder({ inputs: fixed, outputs: [logits(7)], states: [], sizes: [] }, whole) };
    await run(again, { prompt, maxTokens: 1 });
    expect(whole.map(({ mask }) => [...(mask as Float32Array)].join(''))).toEqual(['1111100']);
  });

  it('ends at a stop, or where the program is full', async () => {
    const signature = { inputs: [port('ids', [1, 1])], outputs: [logits(1)], states, sizes: [grows(8)] };
    const wanted = expected(prompt, 9);
    const at = wanted.findIndex((token, i) => i > 0 && !wanted.slice(0, i).includes(token));
    const stopped = await run(decoder(signature, []), { prompt, stopTokens: [wanted[at] as number] });
    expect(stopped).toEqual({ tokens: wanted.slice(0, at), ending: 'stop' });
    // 5 of 8 are the prompt's: three more are fed, and the last one is not
    expect(await run(decoder(signature, []), { prompt })).toEqual({ tokens: wanted.slice(0, 4), ending: 'full' });
    const again = decoder(signature, []);
    await run(again, { prompt, maxTokens: 2 });
    expect((await run(again, { prompt, maxTokens: 2 })).tokens).toEqual(wanted.slice(0, 2));
  });

  it('reads scores that are codes', async () => {
    const quantization = { scale: 0.25, zeroPoint: 3 };
    const outputs = [{ ...port('logits', [1, 1, 4], 'i8'), quantization }];
    const of: Decoder = {
      signature: { inputs: [port('ids', [1, 1])], outputs, states, sizes: [grows(8)] },
      run: () => ({ logits: Int8Array.of(3, 7, 11, 3) }),
    };
    // exp(1) : exp(2) at temperature 1 and nothing else: never the others within top-k 2
    const { tokens } = await run(of, { prompt, maxTokens: 3, sampling: { temperature: 1, topK: 2 } });
    expect(tokens.every((token) => token === 1 || token === 2)).toBe(true);
  });

  it.each<[string, DecoderSignature, readonly number[], RegExp]>([
    ['no tokens', { inputs: [port('ids', [1, 1])], outputs: [logits(1)], states, sizes: [] }, [], /prompt is empty/],
    [
      'a long prompt',
      { inputs: [port('ids', [1, 4])], outputs: [logits(4)], states: [], sizes: [] },
      prompt,
      /room for 4/,
    ],
    [
      'a cache as an input',
      { inputs: [port('ids', [1, 1]), port('past_k', [1, 8], 'f32')], outputs: [logits(1)], states: [], sizes: [] },
      prompt,
      /"past_k"[\s\S]*--state/,
    ],
    [
      'a cache fed in fours',
      { inputs: [port('ids', [1, 4])], outputs: [logits(4)], states, sizes: [grows(8)] },
      prompt,
      /takes 4 tokens a run/,
    ],
    [
      'several outputs',
      {
        inputs: [port('ids', [1, 1])],
        outputs: [port('a', [1, 4], 'f32'), port('b', [1, 4], 'f32')],
        states,
        sizes: [],
      },
      prompt,
      /not clear: [\s\S]*"a", "b"/,
    ],
    ['a batch', { inputs: [port('ids', [2, 1])], outputs: [logits(1)], states, sizes: [] }, prompt, /shape \[2, 1\]/],
  ])('refuses %s', async (_, signature, text, message) => {
    await expect(run(decoder(signature, []), { prompt: text })).rejects.toThrow(message);
  });
});
