import { Block, type Op, walk } from './op.ts';
import type { Resource } from './resource.ts';
import type { Type } from './types.ts';

/** A function of the model (`func`, on tensors) or of the generated program (`kernel`, on buffers and scalars). */
export class Func {
  readonly name: string;
  readonly kind: 'func' | 'kernel';
  readonly body: Block = new Block();
  /** Names of the results in the model, in order; empty for kernels. */
  resultNames: string[];
  /** The results' types; the operands of the final `nn.return` have them. */
  resultTypes: Type[];

  constructor(name: string, kind: 'func' | 'kernel' = 'func', resultNames: string[] = [], resultTypes: Type[] = []) {
    this.name = name;
    this.kind = kind;
    this.resultNames = resultNames;
    this.resultTypes = resultTypes;
  }
}

/** The largest size of a symbol about which nothing is said. */
export const openSize: number = 2 ** 31 - 1;

/** Smallest and largest value that a symbol of a dimension may take. */
export interface SymbolBounds {
  readonly min: number;
  readonly max: number;
}

/** A result of @main that is an argument of the next run: the program keeps it between runs. */
export interface State {
  /** Name of the result. */
  readonly output: string;
  /** Name of the argument. */
  readonly input: string;
  /** Where the result is the argument with new elements behind it. */
  readonly append?: Append;
}

/** How a state grows from run to run. */
export interface Append {
  readonly axis: number;
  /** The most that it may come to along the axis. */
  readonly max: number;
  /** The word of the codes that it is to be stored as; without one it is stored as it is. */
  readonly as?: CacheCodes;
}

/** How the rows of a state may be stored. */
export const cacheCodes = ['f16', 'int8', 'int4', 'int4-rotated'] as const;
export type CacheCodes = (typeof cacheCodes)[number];

/** A whole program: functions, the symbols of its dimensions, and what calibration has learned. */
export class Module {
  readonly functions: Map<string, Func> = new Map();
  readonly symbols: Map<string, SymbolBounds> = new Map();
  /** What stays in the program between runs; results and arguments of @main that callers do not see. */
  readonly states: State[] = [];
  /** Facts that passes hand to later passes and to artifacts, such as calibration statistics. */
  readonly facts: Map<string, Resource> = new Map();

  /** The entry point. */
  get main(): Func {
    const main = this.functions.get('main');
    if (!main) throw new Error('the module has no @main');
    return main;
  }

  /** Whether @main launches kernels, and is no longer a graph of tensors. */
  get hasKernels(): boolean {
    return [...this.functions.values()].some(({ kind }) => kind === 'kernel');
  }

  addFunction(func: Func): Func {
    this.functions.set(func.name, func);
    return func;
  }

  /** Every op of every function. */
  *ops(): Generator<Op> {
    for (const func of this.functions.values()) yield* walk(func.body);
  }
}
