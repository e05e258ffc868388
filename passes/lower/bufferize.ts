import { buffer, returnOp as kernelReturn, launch, signature, when, yieldOp } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { tensorType } from '../../kernels/index.ts';
import {
  Func,
  type MemorySpace,
  type Module,
  type Op,
  openSize,
  type RefType,
  Resource,
  Rewriter,
  ref,
  scalar,
  staticShape,
  stridesOf,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';
import { foundSizes } from '../foundSizes.ts';
import { align, type Interval, planArena } from './arena.ts';
import { mostBytes, programSymbols } from './bounds.ts';
import { type Guard, guardsOf } from './guards.ts';
import { aliasRoot } from './kernels.ts';
import { type PlacedState, statesOf, writtenInPlace } from './states.ts';

/** Bytes to which every buffer is aligned in its space. */
const alignment = 64;

export const bufferize = definePass({
  name: 'bufferize',
  summary:
    'Turns values into memory: one arena planned by lifetimes, weights in one block, states that stay, arguments for inputs and outputs.',
  phase: 'lower',
  preserves: 'bits',
  run(module, _, context) {
    const { main } = module;
    const { granule = 1 } = (context.target ?? {}) as Partial<Target>;
    const ports = portsOf(module);
    const places = new Map<Value, Place>();
    ports.inputs.forEach(({ value }, argument) => {
      places.set(value, { space: 'input', argument });
    });
    ports.outputs.forEach(({ value }, i) => {
      places.set(aliasRoot(value), { space: 'output', argument: ports.inputs.length + i });
    });
    const all = [...main.body.ops()].filter((op) => launch.is(op));
    const { launches, ...states } = placeStates(module, all, places);
    const weightBytes = placeWeights(module, launches, places);
    const arenaBytes = placeArena(module, launches, places);
    const guards = guardsOf(all, (main.body.last as Op).operands as Value[]);
    rebuildMain(module, ports, { launches, guards }, places, { weightBytes, arenaBytes, granule, ...states });
  },
});

/** Where a value lies. */
type Place =
  | { readonly space: 'input' | 'output'; readonly argument: number }
  | { readonly space: 'weights' | 'arena' | 'state'; readonly offset: number };

interface Port {
  readonly name: string;
  readonly value: Value;
}

/** What a caller gives and gets: the arguments and results of @main that are no states. */
interface Ports {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

function portsOf({ main, states }: Module): Ports {
  const returned = (main.body.last as Op).operands as readonly Value[];
  const inputs = main.body.args.map((value, i) => ({ name: value.name ?? `input${i}`, value }));
  const outputs = returned.map((value, i) => ({ name: main.resultNames[i] ?? `output${i}`, value }));
  return {
    inputs: inputs.filter(({ name }) => !states.some((state) => state.input === name)),
    outputs: outputs.filter(({ name }) => !states.some((state) => state.output === name)),
  };
}

/** Gives states their places, and leaves out the copies of those that are written there at once. */
function placeStates(
  module: Module,
  launches: readonly Op[],
  places: Map<Value, Place>,
): { launches: Op[]; states: readonly PlacedState[]; stateBytes: number } {
  const { states, bytes: stateBytes } = statesOf(module, alignment);
  const dropped = new Set<Op>();
  for (const state of states) {
    const place: Place = { space: 'state', offset: state.offset };
    const early = state.grows ? undefined : writtenInPlace(state, launches, (value) => places.has(value));
    places.set(state.argument, place);
    places.set(state.result, place);
    if (!early) continue;
    places.set(early, place);
    dropped.add(state.result.op as Op);
  }
  return { launches: launches.filter((op) => !dropped.has(op)), states, stateBytes };
}

/** Puts every constant that a kernel reads into one block; equal ones share a place. */
function placeWeights(module: Module, launches: readonly Op[], places: Map<Value, Place>): number {
  const parts: { offset: number; bytes: Uint8Array }[] = [];
  const known = new Map<string, number>();
  let end = 0;
  for (const value of launches.flatMap((op) => op.operands as Value[]).map(aliasRoot)) {
    if (!constant.is(value.op) || places.has(value)) continue;
    const bytes = physicalBytes(value);
    const hash = `${bytes.length}:${constant.attributesOf(value.op).value.hash}:${value.type.key}`;
    let offset = known.get(hash);
    if (offset === undefined) {
      offset = align(end, alignment);
      parts.push({ offset, bytes });
      end = offset + bytes.length;
      known.set(hash, offset);
    }
    places.set(value, { space: 'weights', offset });
  }
  const block = new Uint8Array(align(end, alignment));
  for (const { offset, bytes } of parts) block.set(bytes, offset);
  module.facts.set('weights', Resource.of('weights', 'u8', block));
  return block.length;
}

/** A constant's bytes in the order of its layout. */
function physicalBytes(value: Value): Uint8Array {
  const type = tensorType(value);
  const { value: resource } = constant.attributesOf(value.op as Op);
  if (!type.layout) return resource.bytes();
  const source = resource.data();
  const result = source.slice();
  const shape = staticShape(type);
  const steps = stridesOf(type);
  const at = shape.map(() => 0);
  for (let i = 0; i < source.length; i++) {
    result[at.reduce((n, v, axis) => n + v * (steps[axis] as number), 0)] = source[i] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = (at[axis] as number) + 1;
      if ((at[axis] as number) < (shape[axis] as number)) break;
      at[axis] = 0;
    }
  }
  return new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
}

/** Plans the arena for every other value that a launch writes. */
function placeArena(module: Module, launches: readonly Op[], places: Map<Value, Place>): number {
  const lastRead = new Map<Value, number>();
  launches.forEach((op, time) => {
    for (const operand of op.operands as Value[]) lastRead.set(aliasRoot(operand), time);
    // sizes that are found stay readable behind the run
    if (launch.attributesOf(op).finds !== '') lastRead.set(op.results.at(-1) as Value, launches.length);
  });
  const intervals: Interval[] = [];
  const intervalOf = new Map<Value, number>();
  launches.forEach((op, time) => {
    for (const result of op.results) {
      if (places.has(result)) continue;
      const to = lastRead.get(result) ?? time;
      const bytes = mostBytes(tensorType(result), module);
      const shared = launch
        .attributesOf(op)
        .in_place.map((i) => intervalOf.get(aliasRoot(op.operand(i))))
        .find((i) => i !== undefined && intervals[i]?.to === time && intervals[i].bytes >= bytes);
      if (shared === undefined) {
        intervalOf.set(result, intervals.length);
        // sizes that are found keep their place from the beginning: a launch that waits for a flag may not write them
        intervals.push({ bytes, from: to === launches.length ? 0 : time, to });
      } else {
        intervalOf.set(result, shared);
        (intervals[shared] as Interval).to = to;
      }
    }
  });
  const plan = planArena(intervals, alignment);
  for (const [value, i] of intervalOf) places.set(value, { space: 'arena', offset: plan.offsets[i] as number });
  return plan.bytes;
}

/** The sizes that grow from run to run, each once. */
function growthAttributes(states: readonly PlacedState[]) {
  const grown = new Map(states.flatMap(({ grows }) => (grows ? [[grows.symbol, grows] as const] : [])));
  const all = [...grown.values()];
  return {
    grown: all.map(({ symbol }) => symbol),
    grown_next: all.map(({ next }) => next),
    grown_max: all.map(({ max }) => max),
  };
}

/** @main as a list of launches on buffers. */
function rebuildMain(
  module: Module,
  { inputs, outputs }: Ports,
  { launches, guards }: { launches: readonly Op[]; guards: ReadonlyMap<Op, readonly Guard[]> },
  places: ReadonlyMap<Value, Place>,
  memory: {
    weightBytes: number;
    arenaBytes: number;
    states: readonly PlacedState[];
    stateBytes: number;
    granule: number;
  },
): void {
  const resultNames = outputs.map(({ name }) => name);
  const planned = new Func('main', 'func', resultNames);
  const symbols = programSymbols(module);
  const found = foundSizes(module);
  const elementOfArgument = new Map<number, RefType>();
  for (const op of launches) {
    const kernel = module.functions.get(launch.attributesOf(op).kernel);
    invariant(kernel, 'a launch names a kernel of the module');
    [...(op.operands as Value[]), ...op.results].forEach((value, i) => {
      const place = places.get(aliasRoot(value));
      const param = kernel.body.args[i + symbols.length]?.type;
      if (place && 'argument' in place && param?.kind === 'ref') elementOfArgument.set(place.argument, param);
    });
  }
  const argument = (i: number, space: MemorySpace, name: string): void => {
    planned.body.addArgument(ref(elementOfArgument.get(i)?.element ?? 'f32', space), name);
  };
  inputs.forEach(({ name }, i) => {
    argument(i, 'input', name);
  });
  resultNames.forEach((name, i) => {
    argument(inputs.length + i, 'output', name);
  });

  const sizes = symbols.map((name) => planned.body.addArgument(scalar('index'), name));
  const rewriter = new Rewriter().atEnd(planned.body);
  rewriter.create(
    signature,
    {},
    {
      input_names: inputs.map(({ name }) => name),
      input_types: inputs.map(({ value }) => value.type),
      output_names: resultNames,
      output_types: outputs.map(({ value }) => value.type),
      arena_bytes: memory.arenaBytes,
      weights_bytes: memory.weightBytes,
      state_inputs: memory.states.map(({ input }) => input),
      state_outputs: memory.states.map(({ output }) => output),
      state_types: memory.states.map(({ type }) => type),
      state_offsets: memory.states.map(({ offset }) => offset),
      state_bytes: memory.stateBytes,
      ...growthAttributes(memory.states),
      symbols,
      symbol_bounds: symbols.flatMap((name) => {
        const { min = 0, max = openSize } = module.symbols.get(name) ?? {};
        return [min, max];
      }),
      found: symbols.filter((name) => found.has(name)),
    },
  );
  const open: { readonly guard: Guard; readonly op: Op; readonly end: Rewriter }[] = [];
  const buffers = new Map<string, Value>();
  const bufferOf = (value: Value, type: RefType): Value => {
    const place = places.get(aliasRoot(value));
    invariant(place, 'every value that a launch touches has a place');
    if ('argument' in place) return planned.body.args[place.argument] as Value;
    const bytes = align(mostBytes(tensorType(value), module), memory.granule);
    const key = `${place.space} ${place.offset} ${bytes} ${type.element}`;
    let made = buffers.get(key);
    if (!made) {
      const types = [ref(type.element, place.space)];
      const outside = open[0] ? new Rewriter().before(open[0].op) : rewriter;
      made = outside.create(buffer, {}, { offset: place.offset, bytes }, { types, name: value.name ?? '' }).result;
      buffers.set(key, made);
    }
    return made;
  };
  // neighbours behind the same flags share a region
  const enter = (wanted: readonly Guard[]): Rewriter => {
    const same = (a: Guard, b: Guard | undefined) => a.flag === b?.flag && a.holds === b.holds;
    const kept = open.findIndex(({ guard }, i) => !same(guard, wanted[i]));
    if (kept >= 0) for (const { end } of open.splice(kept).reverse()) end.create(yieldOp, { values: [] });
    for (const guard of wanted.slice(open.length)) {
      const flag = bufferOf(guard.flag, ref('u8', 'arena'));
      const op = (open.at(-1)?.end ?? rewriter).create(when, { flag }, { holds: guard.holds }, { types: [] });
      open.push({ guard, op, end: new Rewriter().atEnd(rewriter.addRegion(op)) });
    }
    return open.at(-1)?.end ?? rewriter;
  };
  for (const op of launches) {
    const kernel = module.functions.get(launch.attributesOf(op).kernel);
    const operands = [...(op.operands as Value[]), ...op.results].map((value, i) =>
      bufferOf(value, kernel?.body.args[i + symbols.length]?.type as RefType),
    );
    enter(guards.get(op) ?? []).create(launch, { buffers: [...sizes, ...operands] }, op.attributes, {
      types: [],
      source: op.source,
    });
  }
  enter([]);
  rewriter.create(kernelReturn, {});
  module.functions.set('main', planned);
}
