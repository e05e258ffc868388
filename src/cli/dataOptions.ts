import { schemes } from '../scheme/presets.ts';
import { recipeNames } from '../scheme/recipes.ts';
import type { OptionTable } from './options.ts';
import { rangeOptions } from './rangeOptions.ts';

/** What `--scheme` takes. */
export const schemeHelp = `how numbers are stored and computed: ${Object.values(schemes)
  .map(({ name, summary }) => `${name} (${summary})`)
  .join(', ')}; a recipe by name: ${recipeNames.join(', ')}; or a recipe in a .json or .ts file`;

/** Which samples a model is calibrated on. */
export const sampleOptions = {
  calibrate: {
    kind: 'texts',
    value: 'DATA',
    help: 'samples that the ranges of activations are taken from; zero-shot: none, Gaussian noise',
  },
  limit: { kind: 'count', value: 'N', help: 'use the first N samples only' },
  'input-format': {
    kind: 'texts',
    value: 'NAME:TYPE,…',
    help: 'what the samples hold and how it becomes the input: input:u8,scale=1/127.5,offset=-1 or mean=…,std=…,layout=nhwc',
  },
} as const satisfies OptionTable;

/** Options of the commands that quantize on data. */
export const calibrationOptions = {
  ...sampleOptions,
  ...rangeOptions,
  'keep-float': {
    kind: 'words',
    value: 'NAME,…',
    help: 'layers that stay float, by the names of their nodes; * and ? stand for any characters',
  },
} as const satisfies OptionTable;

/** Options of the commands that measure on data. */
export const measureOptions = {
  ...calibrationOptions,
  data: { kind: 'texts', value: 'DATA', help: 'samples to measure on' },
  limit: { kind: 'count', value: 'N', help: 'measure on the first N samples only' },
  result: { kind: 'text', value: 'NAME', help: 'the output that is judged (default: the first)' },
} as const satisfies OptionTable;
