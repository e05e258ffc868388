import { type Block, bytesOf, type Op, type OpDefinition, type ScalarType, type Value } from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import { type Elements, elementsOf } from './buffers.ts';
import * as memory from './memory.ts';
import { type LanewisePrimitive, lanewisePrimitives, wrapTo } from './primitive.ts';
import * as structure from './structure.ts';
import * as vector from './vector.ts';

/** What a contraction intrinsic computes. */
export interface DotMeaning {
  readonly meaning: (
    accumulator: readonly number[],
    weights: readonly number[],
    activations: readonly number[],
  ) => number[];
}

/** A kernel being run: every value has its place in one array of lanes. */
export interface Machine {
  readonly where: string;
  readonly lanes: Float64Array;
  readonly places: Map<Value, number>;
  readonly buffers: Map<Value, Elements>;
  /** The invocation that is being run. */
  readonly invocation: { workgroup: number; local: number };
  /** Memory of the group that is being run. */
  readonly shared: Uint8Array[];
  readonly intrinsics: Readonly<Record<string, DotMeaning>>;
  readonly settings: Readonly<Record<string, number>>;
  /** Lanes given out so far. */
  used: number;
}

export type Step = () => void;

const lanesOf = (value: Value) => (value.type.kind === 'vec' ? value.type.lanes : 1);
const elementOf = (value: Value) => (value.type as { element: ScalarType }).element;

/** The first lane of a value. */
export function place(machine: Machine, value: Value): number {
  let at = machine.places.get(value);
  if (at === undefined) {
    at = machine.used;
    machine.used += lanesOf(value);
    machine.places.set(value, at);
  }
  return at;
}

function bufferOf(machine: Machine, value: Value): Elements {
  const buffer = machine.buffers.get(value);
  invariant(buffer, `${machine.where}: an operand is no buffer`);
  return buffer;
}

/** A block as one function; its terminator's operands are left to the op that holds the block. */
export function compileBlock(machine: Machine, block: Block): Step {
  for (const arg of block.args) if (arg.type.kind !== 'ref') place(machine, arg);
  const steps = [...block.ops()].filter((op) => !op.definition.terminator).map((op) => compileOp(machine, op));
  return () => {
    for (const step of steps) step();
  };
}

type Compiler = (machine: Machine, op: Op) => Step;

const compilers: ReadonlyMap<OpDefinition, Compiler> = new Map<OpDefinition, Compiler>([
  [structure.constant, compileConstant],
  [structure.forLoop, compileLoop],
  [structure.ifOp, compileIf],
  [structure.share, compileShare],
  [structure.grid, compileGrid],
  [structure.shared, compileShared],
  [memory.load, compileLoad],
  [memory.loadSplat, compileLoadSplat],
  [memory.store, compileStore],
  [memory.table, compileTable],
  [memory.setting, compileSetting],
  [vector.splat, moves(() => 0)],
  [vector.concat, compileConcat],
  [vector.slice, moves((lane, op) => lane + vector.slice.attributesOf(op).offset)],
  [vector.interleave, compileInterleave],
  [vector.swizzle, compileSwizzle],
  [vector.addPairs, compileAddPairs],
  [vector.reduce, compileReduce],
  [vector.dot, compileDot],
  [vector.splitWord, compileSplitWord],
  [vector.joinWord, compileJoinWord],
  ...Object.values(lanewisePrimitives).map((primitive): [OpDefinition, Compiler] => [
    primitive.definition,
    (machine, op) => compileLanewise(machine, op, primitive.lane),
  ]),
]);

export function compileOp(machine: Machine, op: Op): Step {
  const compile = compilers.get(op.definition);
  if (!compile) throw new InternalError(`${machine.where}: ${op.name} has no meaning in a kernel`);
  return compile(machine, op);
}

function compileLanewise(machine: Machine, op: Op, lane: LanewisePrimitive['lane']): Step {
  const { lanes } = machine;
  const sources = op.operands.map((_, i) => place(machine, op.operand(i)));
  const [from, to] = [elementOf(op.operand(0)), elementOf(op.result)];
  const at = place(machine, op.result);
  const count = lanesOf(op.result);
  const args = sources.map(() => 0);
  return () => {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < sources.length; k++) args[k] = lanes[(sources[k] as number) + i] as number;
      lanes[at + i] = lane(args, from, to, op.attributes);
    }
  };
}

function compileConstant(machine: Machine, op: Op): Step {
  const element = elementOf(op.result);
  const { value } = structure.constant.attributesOf(op);
  const stored = element === 'i64' || element === 'u64' ? value : wrapTo(element, value);
  return fill(machine, op, () => stored);
}

/** What a loop does around its body: the counter's place and limits, and how carried values move. */
export function loopParts(machine: Machine, op: Op) {
  const region = op.regions[0] as Block;
  const { step } = structure.forLoop.attributesOf(op);
  invariant(step > 0, `${machine.where}: a loop with step ${step}`);
  const [lower, upper] = [place(machine, op.operand(0)), place(machine, op.operand(1))];
  const counter = place(machine, region.args[0] as Value);
  const carried = region.args.slice(1);
  return {
    ...{ region, step, lower, upper, counter },
    begin: copies(machine, op.operands.slice(2) as Value[], carried),
    /** To be asked for after the body was compiled. */
    next: () => copies(machine, (region.last as Op).operands as Value[], carried),
    end: copies(machine, carried, op.results),
  };
}

function compileLoop(machine: Machine, op: Op): Step {
  const { lanes } = machine;
  const { region, step, lower, upper, counter, begin, next, end } = loopParts(machine, op);
  const body = compileBlock(machine, region);
  const advance = next();
  return () => {
    const limit = lanes[upper] as number;
    begin();
    for (let i = lanes[lower] as number; i < limit; i += step) {
      lanes[counter] = i;
      body();
      advance();
    }
    end();
  };
}

/** One thread does it all here. */
function compileShare(machine: Machine, op: Op): Step {
  const { lanes } = machine;
  const bounds = op.results.map((result, i) => [place(machine, result), place(machine, op.operand(i))] as const);
  return () => {
    for (const [to, from] of bounds) lanes[to] = lanes[from] as number;
  };
}

function compileIf(machine: Machine, op: Op): Step {
  const condition = place(machine, op.operand(0));
  const body = compileBlock(machine, op.regions[0] as Block);
  return () => {
    if (machine.lanes[condition]) body();
  };
}

function compileGrid(machine: Machine, op: Op): Step {
  const [workgroup, local] = op.results.map((result) => place(machine, result)) as [number, number];
  return () => {
    machine.lanes[workgroup] = machine.invocation.workgroup;
    machine.lanes[local] = machine.invocation.local;
  };
}

/** Memory of a group, which holds for all its invocations. */
function compileShared(machine: Machine, op: Op): Step {
  const element = elementOf(op.result);
  const bytes = new Uint8Array(structure.shared.attributesOf(op).count * bytesOf(element));
  machine.shared.push(bytes);
  machine.buffers.set(op.result, elementsOf(bytes, element, 0, `${machine.where}, memory of a group`));
  return () => {};
}

/** Moves values as if all at once. */
function copies(machine: Machine, from: readonly Value[], to: readonly Value[]): Step {
  const { lanes } = machine;
  const sources = from.flatMap((value) => placesOf(machine, value));
  const targets = to.flatMap((value) => placesOf(machine, value));
  const held = new Float64Array(sources.length);
  return () => {
    for (let i = 0; i < sources.length; i++) held[i] = lanes[sources[i] as number] as number;
    for (let i = 0; i < sources.length; i++) lanes[targets[i] as number] = held[i] as number;
  };
}

function placesOf(machine: Machine, value: Value): number[] {
  const at = place(machine, value);
  return Array.from({ length: lanesOf(value) }, (_, i) => at + i);
}

function compileLoad(machine: Machine, op: Op): Step {
  const buffer = bufferOf(machine, op.operand(0));
  const index = place(machine, op.operand(1));
  const { lanes } = machine;
  const at = place(machine, op.result);
  const count = lanesOf(op.result);
  return () => {
    const first = lanes[index] as number;
    for (let lane = 0; lane < count; lane++) lanes[at + lane] = buffer.get(first + lane);
  };
}

function compileLoadSplat(machine: Machine, op: Op): Step {
  const buffer = bufferOf(machine, op.operand(0));
  const index = place(machine, op.operand(1));
  const { group } = memory.loadSplat.attributesOf(op);
  return fill(machine, op, (lane) => buffer.get((machine.lanes[index] as number) + (lane % group)));
}

function compileStore(machine: Machine, op: Op): Step {
  const { lanes } = machine;
  const value = place(machine, op.operand(0));
  const buffer = bufferOf(machine, op.operand(1));
  const index = place(machine, op.operand(2));
  const count = memory.store.attributesOf(op).lanes || lanesOf(op.operand(0));
  return () => {
    for (let i = 0; i < count; i++) buffer.set((lanes[index] as number) + i, lanes[value + i] as number);
  };
}

function compileTable(machine: Machine, op: Op): Step {
  const { lanes } = machine;
  const base = bufferOf(machine, op.operand(0));
  const index = place(machine, op.operand(1));
  return fill(machine, op, (lane) => base.get((lanes[index + lane] as number) & 0xff));
}

function compileSetting(machine: Machine, op: Op): Step {
  const value = machine.settings[memory.setting.attributesOf(op).name] ?? 0;
  return fill(machine, op, () => value);
}

/** Sets each lane of an op's result. */
function fill(machine: Machine, op: Op, value: (lane: number) => number): Step {
  const { lanes } = machine;
  const at = place(machine, op.result);
  const count = lanesOf(op.result);
  return () => {
    for (let lane = 0; lane < count; lane++) lanes[at + lane] = value(lane);
  };
}

/** Result lane i is lane `from(i)` of the first operand. */
function moves(from: (lane: number, op: Op) => number): Compiler {
  return (machine, op) => {
    const source = place(machine, op.operand(0));
    return fill(machine, op, (lane) => machine.lanes[source + from(lane, op)] as number);
  };
}

function compileConcat(machine: Machine, op: Op): Step {
  const sources = (op.operands as Value[]).flatMap((part) => placesOf(machine, part));
  return fill(machine, op, (lane) => machine.lanes[sources[lane] as number] as number);
}

function compileInterleave(machine: Machine, op: Op): Step {
  const sources = [place(machine, op.operand(0)), place(machine, op.operand(1))];
  const { group } = vector.interleave.attributesOf(op);
  return fill(machine, op, (lane) => {
    const turn = Math.floor(lane / group);
    return machine.lanes[(sources[turn % 2] as number) + (turn >> 1) * group + (lane % group)] as number;
  });
}

function compileSwizzle(machine: Machine, op: Op): Step {
  const { lanes } = machine;
  const [table, index] = [place(machine, op.operand(0)), place(machine, op.operand(1))];
  return fill(machine, op, (lane) => lanes[table + (lane & ~15) + (lanes[index + lane] as number)] as number);
}

function compileAddPairs(machine: Machine, op: Op): Step {
  const { lanes } = machine;
  const sources = [0, 1].flatMap((i) => placesOf(machine, op.operand(i)));
  const element = elementOf(op.result);
  return fill(machine, op, (lane) =>
    wrapTo(
      element,
      (lanes[sources[2 * lane] as number] as number) + (lanes[sources[2 * lane + 1] as number] as number),
    ),
  );
}

function compileReduce(machine: Machine, op: Op): Step {
  const { lanes } = machine;
  const source = place(machine, op.operand(0));
  const element = elementOf(op.result);
  const join = lanewisePrimitives[vector.reduce.attributesOf(op).op].lane;
  const count = lanesOf(op.operand(0));
  return fill(machine, op, () => {
    const left = [...lanes.subarray(source, source + count)];
    for (let half = count >> 1; half > 0; half >>= 1) {
      for (let i = 0; i < half; i++)
        left[i] = join([left[i] as number, left[i + half] as number], element, element, {});
    }
    return left[0] as number;
  });
}

function compileDot(machine: Machine, op: Op): Step {
  const { intrinsic } = vector.dot.attributesOf(op);
  const known = machine.intrinsics[intrinsic];
  invariant(known, `${machine.where}: there is no intrinsic '${intrinsic}'`);
  const [accumulator, weights, activations] = [0, 1, 2].map((i) => placesOf(machine, op.operand(i))) as [
    number[],
    number[],
    number[],
  ];
  const { lanes } = machine;
  const at = place(machine, op.result);
  const [a, w, x] = [accumulator, weights, activations].map((places) => places.map(() => 0)) as [
    number[],
    number[],
    number[],
  ];
  const read = (places: readonly number[], into: number[]) => {
    for (let i = 0; i < places.length; i++) into[i] = lanes[places[i] as number] as number;
  };
  return () => {
    read(accumulator, a);
    read(weights, w);
    read(activations, x);
    const sums = known.meaning(a, w, x);
    for (let i = 0; i < sums.length; i++) lanes[at + i] = sums[i] as number;
  };
}

function compileSplitWord(machine: Machine, op: Op): Step {
  const source = place(machine, op.operand(0));
  const element = elementOf(op.result);
  const bits = 32 / lanesOf(op.result);
  return fill(machine, op, (lane) => wrapTo(element, (machine.lanes[source] as number) >>> (lane * bits)));
}

function compileJoinWord(machine: Machine, op: Op): Step {
  const sources = placesOf(machine, op.operand(0));
  const bits = 32 / sources.length;
  const mask = 2 ** bits - 1;
  return fill(machine, op, () =>
    sources.reduce((word, at, i) => (word | (((machine.lanes[at] as number) & mask) << (i * bits))) >>> 0, 0),
  );
}
