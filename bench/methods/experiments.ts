import type { Recipe, SchemeName } from '../../src/index.ts';
import { recipes } from '../../src/scheme/index.ts';
import type { Task } from '../accuracy/task.ts';
import { tasks } from '../accuracy/tasks.ts';
import { decoder, digits } from './tasks.ts';

/** Models, and the schemes that are compared on each. */
export interface Experiment {
  readonly name: string;
  readonly title: string;
  readonly tasks: readonly Task[];
  readonly schemes: readonly (SchemeName | Recipe)[];
}

const named = (name: string): Task => tasks.find((task) => task.name === name) as Task;

const storages = [
  ['4 bits in groups', { storage: 'i4' }],
  ['4 bits a channel', { storage: 'i4', granularity: 'channel' }],
  ['3 bits in groups', { storage: 'i3' }],
  ['3 bits a channel', { storage: 'i3', granularity: 'channel' }],
] as const;

const roundings = ['nearest', 'gptq'] as const;

/** Every place rotated, as the papers do it, in blocks of channels; −1: all channels of a place. */
const rotated = (block: number): Recipe['transforms'] =>
  (['rotate-residual', 'rotate-heads', 'rotate-inputs'] as const).map(
    (pass) => `${pass}{block=${block}, always=true}` as const,
  );
const { activations: blocks } = recipes['block-rotation'];

/** What is compared. */
export const experiments: readonly Experiment[] = [
  {
    name: 'rounding',
    title: 'Weights of few bits: rounding to nearest beside GPTQ',
    tasks: [decoder('llama_char'), named('stories260K'), named('rxnmapper_albert'), digits],
    schemes: storages.flatMap(([name, weights]) =>
      roundings.map((rounding) => ({
        name: `${name}, ${rounding}`,
        scheme: 'w4a16',
        weights: { ...weights, rounding },
      })),
    ),
  },
  {
    name: 'adaround',
    title: 'Weights of few bits: learned rounding beside the others',
    tasks: [named('stories260K'), digits],
    schemes: storages.flatMap(([name, weights]) =>
      (['nearest', 'gptq', 'adaround'] as const).map((rounding) => ({
        name: `${name}, ${rounding}`,
        scheme: 'w4a16',
        weights: { ...weights, rounding },
      })),
    ),
  },
  {
    name: 'w4a8',
    title: 'Weights of 4 bits, activations of 8: rotations and GPTQ',
    tasks: [decoder('llama_char'), decoder('llama_char_outlier')],
    schemes: ['w4a8', recipes.quarot],
  },
  {
    name: 'outliers',
    title: 'Weights and activations of 8 bits, one range for each tensor: what transforms win back',
    tasks: [decoder('llama_char_outlier')],
    schemes: [
      ['plain', []],
      ['smoothquant', ['smoothquant']],
      ['outlier-suppression', ['outlier-suppression']],
      ['rotated', recipes.quarot.transforms ?? []],
    ].map(([name, transforms]) => ({ name, scheme: 'w8a8', activations: { leastSnr: 0 }, transforms }) as Recipe),
  },
  {
    name: 'blocks',
    title: 'Weights and activations in MXFP4: all channels rotated together, and in blocks',
    tasks: [decoder('llama_char_outlier')],
    schemes: [
      { name: 'not rotated', scheme: 'mxfp4', activations: blocks },
      { name: 'rotated together', scheme: 'mxfp4', activations: blocks, transforms: rotated(-1) },
      { name: 'rotated in blocks', scheme: 'mxfp4', activations: blocks, transforms: rotated(32) },
    ],
  },
  {
    name: 'outputs',
    title: 'Widths by outputs: 2, 3, 4, 6 or 8 bits for every 16 outputs of a layer, in the space of 4 and of 3 bits',
    tasks: [decoder('llama_char'), decoder('llama_char_outlier'), named('stories260K')],
    schemes: storages.flatMap(([name, weights]) =>
      ([undefined, [2, 3, 4, 6, 8]] as const).map((mixed) => ({
        name: `${name}, ${mixed ? 'by outputs' : 'all'}`,
        scheme: 'w4a16',
        weights: { ...weights, mixed, rounding: 'gptq' },
      })),
    ),
  },
  {
    name: 'mixed',
    title: 'Widths by layer: the space of 4 bits and a tenth between 4 and 8 bits',
    tasks: [named('mbnet128_0.25_f'), named('yolox_nano_416')],
    schemes: [
      { name: '8 bits', scheme: 'w8a8' },
      { name: '4 bits', scheme: 'w8a8', weights: { storage: 'i4' } },
      { name: '2 to 8 bits', scheme: 'w8a8', weights: { storage: 'i4' }, budget: { share: 1.1 } },
    ],
  },
];
