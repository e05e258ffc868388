import { launch } from '../../dialects/kernel/index.ts';
import { tensorType } from '../../kernels/index.ts';
import {
  type Append,
  type Dim,
  type Module,
  type Op,
  symbolsOf,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { align } from './arena.ts';
import { mostBytes } from './bounds.ts';
import { aliasRoot } from './kernels.ts';

/** A state and its place: an argument of @main, and the result that takes its place. */
export interface PlacedState {
  readonly input: string;
  readonly output: string;
  readonly argument: Value;
  readonly result: Value;
  readonly type: TensorType;
  readonly offset: number;
  readonly grows: Growth | undefined;
}

/** The symbol of a size that grows with each run, what it is in the next one, and the most that it may be. */
export interface Growth {
  readonly symbol: string;
  readonly next: Dim;
  readonly max: number;
}

/** The states of a module in which kernels are launched on tensors, one after the other in a space of their own. */
export function statesOf(module: Module, alignment: number): { states: PlacedState[]; bytes: number } {
  const { main } = module;
  let bytes = 0;
  const states = module.states.map(({ input, output, append }): PlacedState => {
    const argument = main.body.args.find((arg, i) => (arg.name ?? `input${i}`) === input);
    const result = main.body.last?.operands[main.resultNames.indexOf(output)];
    invariant(argument && result, `the state ${output} -> ${input} names a result and an argument of @main`);
    const offset = bytes;
    const type = tensorType(argument);
    const fullest = append ? tensor(type.shape.with(append.axis, append.max), type.element, type.layout) : type;
    bytes = align(offset + mostBytes(fullest, module), alignment);
    const grows =
      append && growthOf(type.shape[append.axis] as Dim, tensorType(result).shape[append.axis] as Dim, append);
    return { input, output, argument, result: aliasRoot(result), type, offset, grows };
  });
  return { states, bytes };
}

function growthOf(size: Dim, next: Dim, { max }: Append): Growth {
  const [symbol] = symbolsOf(size);
  invariant(symbol !== undefined, 'a state grows along an open size');
  return { symbol, next, max };
}

/**
 * The value that may be written to the state's place at once, so that the copy at the end of the program, which makes
 * `result`, is not needed: one that is made when the state was read for the last time, or by the kernel that reads it
 * last and reads each element before it writes there. Undefined where there is none.
 */
export function writtenInPlace(
  { argument, result }: PlacedState,
  launches: readonly Op[],
  isPlaced: (value: Value) => boolean,
): Value | undefined {
  const copy = result.op;
  invariant(copy && copy.operands.length === 1, 'the new state is a copy');
  const value = aliasRoot(copy.operand(0));
  const made = value.op && launch.is(value.op) ? launches.indexOf(value.op) : -1;
  if (made < 0 || isPlaced(value)) return undefined;
  const reads = (op: Op) => op.operands.flatMap((v, i) => (v && aliasRoot(v) === argument ? [i] : []));
  const lastRead = launches.findLastIndex((op) => reads(op).length > 0);
  if (lastRead < made) return value;
  const { in_place: inPlace } = launch.attributesOf(value.op as Op);
  return lastRead === made && reads(value.op as Op).every((i) => inPlace.includes(i)) ? value : undefined;
}
