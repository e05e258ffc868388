import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { transformSync } from 'rolldown/utils';
import { describe, expect, it } from 'vitest';
import { piecesHeader } from '../../examples/generate-c/pieces.ts';
import { highest } from '../../runtime/sampling.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { browserPath, withPage } from '../browser.ts';
import { missing, strict } from '../c/program.ts';
import { workplace } from '../cli/workplace.ts';
import { session } from '../state/onnxruntime.ts';
import { hasShared, sharedFiles, storiesStates, storiesTokenizer } from './stories.ts';

// A decoder tells a story in Node, in a page and from C, as onnxruntime does with the float model.

const prompt = 'Once upon a time';
const count = 50;
const absent = missing('cc');
const tokenizerJson = hasShared ? storiesTokenizer() : {};
const { folder } = workplace({ 'tokenizer.json': JSON.stringify(tokenizerJson) });
const at = (name: string) => join(folder, name);
const tokenizer = ['--tokenizer', at('tokenizer.json')];

/** The command line in this process, which is faster than one of its own for each command. */
async function qc(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: string[][] = [[], []];
  const code = await runProgram(args, { out: (text) => out?.push(text), err: (text) => err?.push(text) });
  return { code, out: out?.join('') ?? '', err: err?.join('') ?? '' };
}

const model = resolve(sharedFiles, 'models/stories260K_kv.onnx');
const states = storiesStates.flatMap((state) => ['--state', state]);

/** The likeliest tokens behind the prompt by onnxruntime, in float, on the whole text for each. */
async function expectedTokens(begun: readonly number[]): Promise<number[]> {
  const run = await session(`${sharedFiles}/models/stories260K.onnx`);
  const text = [...begun];
  for (let i = 0; i < count; i++) {
    const input: HostTensor = { dtype: 'i64', shape: [1, text.length], data: BigInt64Array.from(text, BigInt) };
    const { data, shape } = (await run({ input_ids: input })).logits as HostTensor;
    const words = shape[2] as number;
    text.push(highest((data as Float32Array).subarray((text.length - 1) * words, text.length * words)));
  }
  return text.slice(begun.length);
}

interface Generated {
  readonly text: string;
  readonly promptTokens: readonly number[];
  readonly tokens: readonly number[];
  readonly ending: string;
}

async function generated(artifact: string, ...options: string[]): Promise<Generated> {
  const { code, out, err } = await qc('generate', at(artifact), ...tokenizer, '--json', ...options);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Generated;
}

async function compiled(name: string, ...options: string[]): Promise<void> {
  const { code, err } = await qc('compile', ...options, '-o', at(name));
  expect(code, err).toBe(0);
}

describe.skipIf(!hasShared)('stories (skipped where ../shared/models is absent)', { timeout: 300_000 }, () => {
  const told = ['--prompt', prompt, '--max-tokens', `${count}`];
  let wanted: number[] = [];

  it('are the same in 8 bits as in float, in onnxruntime, for 50 tokens', async () => {
    await compiled('w8', model, '--target', 'wasm', '--scheme', 'w8a16', '--dim', 'T=1', ...states, '--name', 'story');
    const story = await generated('w8', ...told);
    wanted = await expectedTokens(story.promptTokens);
    expect(story.tokens).toEqual(wanted);
    expect(story.promptTokens[0]).toBe(1);
    const whole = new Tokenizer(tokenizerJson, {}).decode([...story.promptTokens, ...wanted], {
      skip_special_tokens: true,
    });
    expect(prompt + story.text).toBe(whole);
  });

  it('stream to the terminal, end where they shall, and are the same from the same seed', async () => {
    const { out, err } = await qc('generate', at('w8'), ...tokenizer, ...told, '--stop', 'park');
    expect(out).toMatch(/^Once upon a time, there was a little girl[\s\S]*in the \n$/);
    expect(err).toMatch(
      /^\d+ tokens, \d+ a second; the first after [\d.]+ ms, behind 5 of the prompt; the text has ended\n$/,
    );
    const bold = ['--prompt', 'One', '--max-tokens', '30', '--temperature', '0.9', '--top-k', '40', '--top-p', '0.95'];
    const texts: string[] = [];
    for (const seed of ['1', '1', '2']) texts.push((await generated('w8', ...bold, '--seed', seed)).text);
    const [one, again, other] = texts;
    expect(one).toBe(again);
    expect(one).not.toBe(other);
    const wrong = await qc('generate', at('w8'), ...tokenizer, '--top-p', '3');
    expect(wrong.code).toBe(1);
    expect(wrong.err).toMatch(/top-p is 3/);
    expect((await qc('generate', at('w8'), '--prompt', 'x')).code).toBe(2);
  });

  it('are the same without a cache, and with prompts in runs of several tokens', async () => {
    await compiled('whole', resolve(sharedFiles, 'models/stories260K.onnx'), '--target', 'wasm', '--dim', 'T=64');
    expect((await generated('whole', ...told)).tokens).toEqual(wanted);
    await compiled('runs', model, '--target', 'wasm', '--scheme', 'w8a16', '--dim', 'T=1..3', ...states);
    expect((await generated('runs', ...told)).tokens).toEqual(wanted);
    const full = await generated('whole', '--prompt', prompt, '--max-tokens', '100');
    expect([full.ending, full.tokens.length]).toEqual(['full', 60]);
  });

  it.skipIf(absent !== '')(`are the same from C, by qc generate and by examples/generate-c${absent}`, async () => {
    await compiled('c', model, '--target', 'c', '--scheme', 'w8a16', '--dim', 'T=1', ...states, '--name', 'story');
    const { tokens, text } = await generated('c', ...told);
    expect(tokens).toEqual(wanted);
    writeFileSync(`${folder}/c/pieces.h`, piecesHeader(JSON.stringify(tokenizerJson), prompt));
    copyFileSync('examples/generate-c/main.c', `${folder}/c/main.c`);
    const run = (command: string, ...args: string[]) =>
      execFileSync(command, args, { cwd: `${folder}/c`, encoding: 'utf8' });
    run('cc', '-std=c99', ...strict, '-ffp-contract=off', 'main.c', 'story.c', '-lm', '-o', 'story');
    expect(run('./story', `${count}`)).toBe(` ${prompt}${text}\n`);
    expect(run('./story', '20', '0.9', '1')).not.toBe(run('./story', '20', '0.9', '2'));
  });

  it.skipIf(!browserPath)(`are the same in a page${browserPath ? '' : ' (no Chromium here)'}`, async () => {
    const runtime = (name: string) => transformSync(name, readFileSync(`runtime/${name}`, 'utf8'), { lang: 'ts' }).code;
    const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><p></p><script type="importmap">{"imports": {"@huggingface/tokenizers": "/tokenizers.mjs"}}</script>
<script type="module">
import { Tokenizer } from '@huggingface/tokenizers';
import { generate } from './generate.ts';
import { textStream } from './textStream.ts';
import { load } from './story.js';
const tokenizer = new Tokenizer(await (await fetch('tokenizer.json')).json(), {});
const decoder = await load();
const prompt = tokenizer.encode(${JSON.stringify(prompt)}).ids;
const text = textStream(tokenizer, prompt);
for await (const token of generate(decoder, { prompt, maxTokens: ${count} })) document.querySelector('p').textContent += text.push(token);
document.title = 'told';
</script>`;
    const files: Record<string, () => string | Uint8Array> = {
      'index.html': () => page,
      'tokenizers.mjs': () => readFileSync('node_modules/@huggingface/tokenizers/dist/tokenizers.mjs'),
      'tokenizer.json': () => JSON.stringify(tokenizerJson),
      'story.js': () => readFileSync(`${folder}/w8/story.js`),
      'story.wasm': () => readFileSync(`${folder}/w8/story.wasm`),
      ...Object.fromEntries(['generate.ts', 'textStream.ts', 'sampling.ts'].map((name) => [name, () => runtime(name)])),
    };
    const text = await withPage(
      (path) => files[path]?.(),
      async (view) => {
        await view.waitForFunction("document.title === 'told'", undefined, { timeout: 60_000 });
        return view.locator('p').textContent();
      },
    );
    expect(text).toBe((await generated('w8', ...told)).text);
  });
});

const letters = resolve(sharedFiles, 'data/shakespeare/vocab_codepoints.npy');

describe.skipIf(!hasShared)('tokenizers', () => {
  it('may be a list of characters; what is no tokenizer is refused', async () => {
    writeFileSync(`${folder}/broken.json`, '{"model": {"type": "Unknown"}}');
    expect((await qc('generate', at('w8'), '--tokenizer', at('broken.json'))).err).toMatch(
      /no tokenizer\.json[\s\S]*broken\.json/,
    );
    expect((await qc('generate', at('w8'), '--tokenizer', letters)).err).toMatch(/the prompt is empty/);
    expect((await qc('generate', at('w8'), '--tokenizer', letters, '--prompt', 'é')).err).toMatch(/no token for 'é'/);
    const { code, out } = await qc('generate', at('w8'), '--tokenizer', letters, '--prompt', 'ab', '--max-tokens', '3');
    expect(code).toBe(0);
    expect(out.startsWith('ab')).toBe(true);
  });
});
