import type { Recipe, SchemeName } from '../../src/index.ts';
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
