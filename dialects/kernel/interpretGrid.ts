import type { Block, Op } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';
import { compileBlock, compileOp, loopParts, type Machine, place } from './interpretOps.ts';
import { mma, mmaMeaning, warpSize } from './mma.ts';
import * as structure from './structure.ts';

/** Which invocation is run at turn `i` of `count`: a permutation. */
export type Order = (i: number, count: number) => number;

/** What a group's memory holds at first. */
const UNKNOWN = 0xa5;

/** Runs a kernel's body: once, or by as many groups of invocations as its kernel.grid says, group by group. */
export function runGrid(machine: Machine, body: Block, order: Order): void {
  const first = body.first;
  if (!structure.grid.is(first)) {
    compileBlock(machine, body)();
    return;
  }
  const { workgroups, size } = structure.grid.attributesOf(first);
  const run = hasBarrier(body) ? togetherRunner(machine, body) : singleRunner(machine, body);
  for (let g = 0; g < workgroups; g++) {
    machine.invocation.workgroup = order(g, workgroups);
    for (const bytes of machine.shared) bytes.fill(UNKNOWN);
    run(Array.from({ length: size }, (_, i) => order(i, size)));
  }
}

type Runner = (locals: readonly number[]) => void;

/** Each invocation from its beginning to its end. */
function singleRunner(machine: Machine, body: Block): Runner {
  const step = compileBlock(machine, body);
  return (locals) => {
    for (const local of locals) {
      machine.invocation.local = local;
      step();
    }
  };
}

/** The invocations in turn, each up to the next barrier. */
function togetherRunner(machine: Machine, body: Block): Runner {
  const start = resumable(machine, body);
  return (locals) => {
    const fresh = machine.lanes.slice();
    const invocations = locals.map((local) => ({ local, steps: start(), lanes: fresh.slice() }));
    for (;;) {
      const done = invocations.filter(({ local, steps, lanes }) => {
        machine.invocation.local = local;
        machine.lanes.set(lanes);
        const { done } = steps.next();
        lanes.set(machine.lanes);
        return done;
      });
      if (done.length === invocations.length) return;
      if (done.length > 0) throw new InternalError(`${machine.where}: only some invocations arrive at a barrier`);
    }
  };
}

function hasBarrier(block: Block): boolean {
  return [...block.ops()].some((op) => structure.barrier.is(op) || mma.is(op) || op.regions.some(hasBarrier));
}

/** A block that stops at every barrier. */
function resumable(machine: Machine, block: Block): () => Generator<void> {
  for (const arg of block.args) if (arg.type.kind !== 'ref') place(machine, arg);
  const steps = [...block.ops()].filter((op) => !op.definition.terminator).map((op) => resumableOp(machine, op));
  return function* () {
    for (const step of steps) yield* step();
  };
}

function resumableOp(machine: Machine, op: Op): () => Generator<void> {
  if (structure.barrier.is(op)) {
    return function* () {
      yield;
    };
  }
  if (mma.is(op)) return resumableProduct(machine, op);
  if (!op.regions.some(hasBarrier)) {
    const step = compileOp(machine, op);
    // biome-ignore lint/correctness/useYield: there is no barrier in it
    return function* () {
      step();
    };
  }
  const { lanes } = machine;
  if (structure.ifOp.is(op)) {
    const condition = place(machine, op.operand(0));
    const body = resumable(machine, op.regions[0] as Block);
    return function* () {
      if (lanes[condition]) yield* body();
    };
  }
  const { region, step, lower, upper, counter, begin, next, end } = loopParts(machine, op);
  const body = resumable(machine, region);
  const advance = next();
  return function* () {
    const limit = lanes[upper] as number;
    begin();
    for (let i = lanes[lower] as number; i < limit; i += step) {
      lanes[counter] = i;
      yield* body();
      advance();
    }
    end();
  };
}

/** What all invocations of a warp hold is known when all have arrived; it may change when all have read it. */
function resumableProduct(machine: Machine, op: Op): () => Generator<void> {
  const { lanes, invocation } = machine;
  const [accumulator, ...codes] = op.operands.map((_, i) => place(machine, op.operand(i))) as [number, ...number[]];
  const result = place(machine, op.result);
  const held: number[][] = [];
  return function* () {
    const { local } = invocation;
    held[local] = codes.flatMap((at) => [...lanes.subarray(at, at + 4)]);
    yield;
    const lane = local % warpSize;
    const warp = held.slice(local - lane, local - lane + warpSize);
    lanes.set(mmaMeaning(warp, lane, [...lanes.subarray(accumulator, accumulator + 4)]), result);
    yield;
  };
}
