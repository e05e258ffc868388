import { quoted, signatureProperty, tensorInterface } from '../typings.ts';
import type { Program, ProgramSymbol } from './program.ts';

/** The sizes that a caller chooses. */
function sizesInterface(symbols: readonly ProgramSymbol[]): string[] {
  const properties = symbols.flatMap(({ name, min, max }) => [
    `  /** ${min} to ${max} */`,
    `  ${quoted(name)}: number;`,
  ]);
  return [
    '/** Sizes that a run may have. What the lengths of the inputs tell need not be said. */',
    'export interface Sizes {',
    ...properties,
    '}',
    '',
  ];
}

const grownSizes = [
  '  /** How far the growing states are filled, and what data decided in the last run, by the names of the sizes. */',
  '  readonly sizes: Readonly<Record<string, number>>;',
];

const stateMethods = [
  '  /** Sets every state to zero, as after `load`. */',
  '  reset(): void;',
  '  /** Copies of the states as they are now. */',
  '  saveState(): States;',
  '  /** Sets the states that are given, such as those that `saveState` gave. */',
  '  loadState(states: Readonly<Partial<States>>): void;',
];

const threadMembers = [
  '  /** Threads in use, the one that calls `run` among them. */',
  '  readonly threads: number;',
  "  /** Ends the other threads; the model can't run any more. */",
  '  close(): void;',
];

const threadsOption = [
  '  /** Threads to run the model with. `auto` (default): one for each processor, at most 8; one where memory cannot be shared. */',
  "  threads?: 'auto' | number;",
];

/** Type declarations of a compiled model: names, array types and shapes of its inputs and outputs. */
export function modelTypings(
  { symbols, inputs, outputs, states }: Program,
  { externalWeights, threads }: { readonly externalWeights: boolean; readonly threads: boolean },
): string {
  const given = symbols.filter(({ found }) => found === undefined);
  const sizes = given.filter(({ next }) => next === undefined);
  const told = sizes.length > 0 ? '; sizes?: Partial<Sizes>' : '';
  const weights = [
    '  /** The weights; by default the file beside the module. */',
    '  weights?: BufferSource | Response | Promise<BufferSource | Response>;',
  ];
  return [
    ...tensorInterface('Inputs', 'What the model takes.', inputs),
    ...tensorInterface('Outputs', 'What the model gives.', outputs),
    ...(states.length > 0 ? tensorInterface('States', 'What the model keeps between runs.', states) : []),
    ...(sizes.length > 0 ? sizesInterface(sizes) : []),
    'export interface Model {',
    ...signatureProperty({ inputs, outputs, states }, given),
    '  /** The instructions in use. */',
    "  readonly simd: 'baseline' | 'relaxed';",
    "  /** Inputs and outputs in the model's own memory, for use with `execute`. */",
    '  readonly views: { readonly inputs: Readonly<Inputs>; readonly outputs: Readonly<Outputs> };',
    '  /** Runs on `inputs` and gives the outputs as fresh arrays, or in the arrays of `into`. */',
    `  run(inputs: Readonly<Inputs>, options?: { into?: Partial<Outputs>${told} }): Outputs;`,
    '  /** Runs on what `views.inputs` hold; the results are in `views.outputs`. */',
    sizes.length > 0 ? '  execute(sizes: Readonly<Sizes>): void;' : '  execute(): void;',
    ...(sizes.length < symbols.length ? grownSizes : []),
    ...(states.length > 0 ? stateMethods : []),
    ...(threads ? threadMembers : []),
    '}',
    '',
    'export interface LoadOptions {',
    '  /** The compiled module, its bytes or a response with them; by default the file beside this one. */',
    '  wasm?: BufferSource | WebAssembly.Module | Response | Promise<BufferSource | WebAssembly.Module | Response>;',
    ...(externalWeights ? weights : []),
    '  /** `auto` (default): relaxed SIMD where it is exact. `relaxed` rejects where it is not. */',
    "  simd?: 'auto' | 'baseline' | 'relaxed';",
    ...(threads ? threadsOption : []),
    '}',
    '',
    '/** Loads the model. Nothing is allocated after that but the outputs of `run`. */',
    'export function load(options?: LoadOptions): Promise<Model>;',
    '',
  ].join('\n');
}
