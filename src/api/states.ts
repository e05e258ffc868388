import {
  boundsOf,
  type CacheCodes,
  type Dim,
  type Module,
  subDim,
  symbol,
  symbolsOf,
  type TensorType,
} from '../ir/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import { checkIsModel } from './signature.ts';
import { parseState } from './stateText.ts';

/** How a state grows: new elements come behind those that it has along an axis, at most `max` in all. */
export interface AppendOptions {
  readonly axis: number;
  readonly max: number;
  /** How each new row (its last axis) is stored: f16, or codes of 8 or 4 bits with scales for groups of 32 elements at most. */
  readonly as?: CacheCodes;
}

/** The input that an output becomes in the next run; with `append` the output is that input with new elements behind it. */
export type StateOptions = string | { readonly input: string; readonly append?: AppendOptions };

/** For outputs by name, the input that each becomes in the next run. */
export type States = Readonly<Record<string, StateOptions>>;

/** Reads `OUT=IN` and `OUT=IN:append axis=A max=N as=CODES`; either name may hold equal signs where the model's does. @throws QcError */
export function parseStates(module: Module, texts: readonly string[]): States {
  checkIsModel(module);
  const names = outputNames(module);
  return Object.fromEntries(texts.map((text) => parseState(text, names)));
}

interface Given {
  readonly output: string;
  readonly input: string;
  readonly append: AppendOptions | undefined;
  readonly where: string;
  readonly from: TensorType;
  readonly to: TensorType;
}

/** The types that states name. @throws QcError for unknown names */
function typesOf(module: Module, states: States): Given[] {
  const { main } = module;
  const inputNames = main.body.args.map(({ name }, i) => name ?? `input${i}`);
  return Object.entries(states).map(([output, options]) => {
    const { input, append } = typeof options === 'string' ? { input: options } : options;
    const where = `state ${output}=${input}${append ? `:append axis=${append.axis} max=${append.max}${append.as ? ` as=${append.as}` : ''}` : ''}`;
    const from = main.resultTypes[indexOf(output, outputNames(module), 'output', where)] as TensorType;
    const to = main.body.args[indexOf(input, inputNames, 'input', where)]?.type as TensorType;
    return { output, input, append, where, from, to };
  });
}

/** Bounds the sizes along which states grow, before the model's dimensions are bound. @throws QcError where one cannot */
export function boundStates(module: Module, states: States): void {
  for (const { append, where, to } of typesOf(module, states)) {
    if (append) module.symbols.set(grownSymbol(to, append, where), { min: 0, max: append.max });
  }
}

/**
 * Makes outputs of a model its inputs of the next run: a program keeps them, and callers don't see them. Their sizes
 * must be known, but for those along which they grow.
 *
 * @throws QcError for unknown names, an input with two outputs, or types that differ
 */
export function declareStates(module: Module, states: States): void {
  for (const given of typesOf(module, states)) {
    const { output, input, append, where, from, to } = given;
    const taken = module.states.find((state) => state.input === input);
    if (taken) {
      throw new QcError({
        what: `the input '${input}' has two states`,
        where,
        why: `the output '${taken.output}' becomes it already`,
        help: 'name one output for each input',
      });
    }
    if (append) {
      module.states.push({ output, input, append: growing(module, given, append) });
      continue;
    }
    if (from !== to) {
      throw new QcError({
        what: `the output '${output}' cannot become the input '${input}'`,
        where,
        why: `the output is ${from.key}, the input ${to.key}`,
        help: 'a state has one type and shape: name outputs and inputs that belong together',
      });
    }
    module.states.push({ output, input });
  }
}

/** The dimension along which a state grows. @throws QcError */
function grownSymbol({ shape, key }: TensorType, { axis, max }: AppendOptions, where: string): string {
  if (!(Number.isInteger(axis) && axis >= -shape.length && axis < shape.length)) {
    throw new QcError({
      what: `the state has no axis ${axis}`,
      where,
      why: `it is ${key}, whose axes are 0 to ${shape.length - 1}`,
      help: 'name the axis along which the output is longer than the input',
    });
  }
  if (!(Number.isInteger(max) && max >= 1)) {
    throw new QcError({ what: `the state cannot hold ${max}`, where, help: 'max is a whole number from 1' });
  }
  const size = shape.at(axis) as Dim;
  const [name] = typeof size === 'number' ? [] : symbolsOf(size);
  if (name !== undefined && size === symbol(name)) return name;
  throw new QcError({
    what: `the state cannot grow along axis ${axis}`,
    where,
    why: `its size there is ${size}, not a dimension of its own that the model leaves open`,
    help: 'leave the dimension open: name it in no --dim',
  });
}

/** Bounds a state's size so that one more run fits. @throws QcError where the output is no longer input */
function growing(module: Module, { output, input, where, from, to }: Given, append: AppendOptions): AppendOptions {
  const name = grownSymbol(to, append, where);
  const axis = append.axis < 0 ? append.axis + to.shape.length : append.axis;
  const more = subDim((from.shape[axis] ?? 0) as Dim, to.shape[axis] as Dim);
  const least = boundsOf(more, module.symbols).min;
  const alike = from.element === to.element && from.shape.length === to.shape.length;
  const same = from.shape.every((dim, i) => i === axis || dim === to.shape[i]);
  if (!alike || !same || symbolsOf(more).has(name) || least < 1) {
    throw new QcError({
      what: `the output '${output}' is not the input '${input}' with new elements behind it`,
      where,
      why: `the output is ${from.key}, the input ${to.key}`,
      help: `name an output that is longer along axis ${axis} and else alike`,
    });
  }
  if (append.max < least) {
    throw new QcError({
      what: `the state cannot hold what one run gives`,
      where,
      why: `max is ${append.max}, and a run adds ${more}`,
      help: 'give a larger max',
    });
  }
  for (const { input: other, append: its } of module.states) {
    const type = module.main.body.args.find((arg) => arg.name === other)?.type as TensorType | undefined;
    if (!its || its.max === append.max || type?.shape[its.axis] !== to.shape[axis]) continue;
    throw new QcError({
      what: `the states '${other}' and '${input}' grow together and hold ${its.max} and ${append.max}`,
      where,
      why: `both have the dimension ${name}`,
      help: 'give them one max',
    });
  }
  module.symbols.set(name, { min: 0, max: append.max - least });
  return { ...append, axis };
}

function outputNames({ main }: Module): string[] {
  return main.resultTypes.map((_, i) => main.resultNames[i] ?? `output${i}`);
}

function indexOf(name: string, names: readonly string[], role: 'input' | 'output', where: string): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const near = didYouMean(name, names);
  throw new QcError({
    what: `the model has no ${role} '${name}'`,
    where,
    why: `its ${role}s are ${names.join(', ')}`,
    help: near === undefined ? 'write OUT=IN, the output first' : `did you mean '${near}'?`,
  });
}
