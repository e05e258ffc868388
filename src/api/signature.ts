import type { InputSignature } from '../calibrate/data/index.ts';
import {
  type Dim,
  type ElementType,
  type Module,
  openSize,
  type Size,
  type SymbolBounds,
  sizeOf,
  storageOf,
  symbolsOf,
  type TensorType,
  uniformParams,
} from '../ir/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import type { DType } from '../support/tensor.ts';

/** An input or output as a caller sees it. */
export interface TensorSignature {
  readonly name: string;
  readonly dtype: DType;
  /** A name where the model leaves a size open. */
  readonly shape: readonly (number | string)[];
  /** The same to compute with, where there are names. */
  readonly sizes?: readonly Size[];
  /** How its codes stand for real numbers, where it holds codes. */
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

/** What a program keeps between runs. */
export interface StateSignature extends TensorSignature {
  /** The input that it stands for: `name`. The output that becomes it: */
  readonly output: string;
  /** Of a state that grows. */
  readonly append?: Growth;
}

/** How a state grows: the name of its size, which is `next` in the next run and may come to `max`. */
export interface Growth {
  readonly axis: number;
  readonly symbol: string;
  readonly next: Size;
  readonly max: number;
}

/** The sizes that a program keeps, and how each grows. */
export function growthsOf({ states = [] }: Pick<Signature, 'states'>): Map<string, Growth> {
  return new Map(states.flatMap(({ append }) => (append ? [[append.symbol, append] as const] : [])));
}

export interface Signature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  /** Bounds of the sizes that a run chooses, by name. Absent where all are numbers. */
  readonly symbols?: Readonly<Record<string, SymbolBounds>>;
  /** Absent where there are none. */
  readonly states?: readonly StateSignature[];
}

/** Refuses a module that is no model: without @main, or planned already. @throws QcError */
export function checkIsModel(module: Module): void {
  const main = module.functions.get('main');
  if (main?.body.args.every(({ type }) => type.kind === 'tensor')) return;
  throw new QcError({
    what: 'the module is no model',
    why: main ? 'its arguments are buffers: it was lowered to kernels already' : 'it has no function @main',
    help: 'give the model that it was made from',
  });
}

/** What a model takes and gives. @throws QcError for a module that was lowered to buffers already */
export function signatureOf(module: Module): Signature {
  checkIsModel(module);
  const { main } = module;
  const inputs = main.body.args.map(({ name, type }, i) => describe(name ?? `input${i}`, type as TensorType));
  const outputs = main.resultTypes.map((type, i) => describe(main.resultNames[i] ?? `output${i}`, type as TensorType));
  const symbols = boundedSymbols(module);
  if (module.states.length === 0) return { inputs, outputs, ...symbols };
  const becomes = new Map(module.states.map(({ output, input }) => [input, output]));
  const kept = new Set(becomes.values());
  return {
    inputs: inputs.filter(({ name }) => !becomes.has(name)),
    outputs: outputs.filter(({ name }) => !kept.has(name)),
    ...symbols,
    states: inputs.flatMap((one) => {
      const output = becomes.get(one.name);
      return output === undefined ? [] : [{ ...one, output, ...growthOf(module, one.name) }];
    }),
  };
}

function growthOf({ main, states }: Module, name: string): { append?: Growth } {
  const state = states.find(({ input }) => input === name);
  const type = main.body.args.find((arg, i) => (arg.name ?? `input${i}`) === name)?.type as TensorType | undefined;
  if (!state?.append || !type) return {};
  const { axis, max } = state.append;
  const result = main.resultTypes[main.resultNames.indexOf(state.output)] as TensorType;
  const [symbol = ''] = symbolsOf(type.shape[axis] as Dim);
  return { append: { axis, symbol, next: sizeOf(result.shape[axis] as Dim), max } };
}

/** The output that is meant by a name; without one, the first. @throws QcError when there is none of that name */
export function resultOf(module: Module, name: string | undefined): string {
  const names = signatureOf(module).outputs.map((output) => output.name);
  if (name === undefined) return names[0] as string;
  if (names.includes(name)) return name;
  const near = didYouMean(name, names);
  throw new QcError({
    what: `the model has no output '${name}'`,
    why: `its outputs are ${names.join(', ')}`,
    help: near === undefined ? 'name one of them' : `did you mean '${near}'?`,
  });
}

/** A model's inputs as datasets take them. */
export function inputSignature(module: Module): InputSignature[] {
  const { inputs, states = [] } = signatureOf(module);
  return [
    ...inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    ...states.map(({ name, dtype, shape, append }) => {
      const grows = append ? { grows: append.axis } : {};
      return { name, dtype, shape, carried: true, ...grows };
    }),
  ];
}

/** The symbols of the inputs that have bounds. */
function boundedSymbols({ main, symbols }: Module): Pick<Signature, 'symbols'> {
  const dims = main.body.args.flatMap(({ type }) => (type as TensorType).shape);
  const names = new Set(dims.flatMap((dim) => [...symbolsOf(dim)]));
  const bounded = [...symbols].filter(([name, { max }]) => names.has(name) && max < openSize);
  return bounded.length === 0 ? {} : { symbols: Object.fromEntries(bounded) };
}

function describe(name: string, { element, shape }: TensorType): TensorSignature {
  const quantization = quantizationOf(element);
  return {
    name,
    dtype: storageOf(element) as DType,
    shape: shape.map((dim: Dim) => (typeof dim === 'number' ? dim : `${dim}`)),
    ...(shape.every((dim) => typeof dim === 'number') ? {} : { sizes: shape.map(sizeOf) }),
    ...(quantization ? { quantization } : {}),
  };
}

function quantizationOf(element: ElementType): { scale: number; zeroPoint: number } | undefined {
  return typeof element === 'string' ? undefined : uniformParams(element);
}
