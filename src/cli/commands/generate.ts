import { defineCommand } from '../command.ts';

export const generate = defineCommand({
  name: 'generate',
  summary: 'writes text with a compiled decoder, token by token',
  usage: 'ARTIFACT --tokenizer FILE [--prompt TEXT]',
  details: [
    'ARTIFACT is a decoder of tokens, with or without a cache: it takes the tokens (and a mask and positions, if it does) and gives their scores. A program with --state caches is fed each token once, and a prompt in runs as long as its open size allows. One without is run on the whole text for each token.',
    "FILE is the tokenizer.json of the model, or a .npy array with the character (code point) of each token. Beside tokenizer.json a tokenizer_config.json is read too, whose end of text ends the text. What comes before the prompt, such as a token that begins a text, is the tokenizer's matter.",
    'A wasm artifact runs in this process; a C artifact is compiled with the C compiler of this machine; one of WGSL needs the package webgpu. The text goes to standard output as it comes, and then a line with the tokens in a second to standard error.',
  ],
  examples: [
    'qc generate stories-wasm --tokenizer tokenizer.json --prompt "Once upon a time"',
    'qc generate stories-c --tokenizer tokenizer.json --temperature 0.8 --top-p 0.9 --seed 7',
  ],
  arguments: ['ARTIFACT'],
  options: {
    tokenizer: { kind: 'text', value: 'FILE', help: 'tokenizer.json, or a .npy array of characters' },
    prompt: { kind: 'text', value: 'TEXT', help: 'what the text begins with (default: nothing)' },
    'max-tokens': { kind: 'count', value: 'N', help: 'tokens at most besides the prompt (default 256)' },
    temperature: {
      kind: 'number',
      value: 'T',
      help: 'what scores are divided by: above 1 bolder, below 1 safer; 0, the default, always takes the likeliest token',
    },
    'top-k': { kind: 'number', value: 'K', help: 'choose among the K likeliest tokens alone' },
    'top-p': {
      kind: 'number',
      value: 'P',
      help: 'choose among the likeliest tokens that together have the probability P',
    },
    'min-p': {
      kind: 'number',
      value: 'P',
      help: "choose among tokens with at least P of the likeliest one's probability",
    },
    seed: {
      kind: 'number',
      value: 'N',
      help: 'begins the random choices: the same seed gives the same text (default 0)',
    },
    stop: {
      kind: 'texts',
      value: 'TEXT',
      help: 'ends the text where TEXT comes, which is left out; a special token by its name, as <s>',
    },
  },
  async run([path = ''], options, terminal) {
    const { generateText } = await import('../generateText.ts');
    await generateText(path, options, terminal);
  },
});
