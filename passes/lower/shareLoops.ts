import { buffer, constantOf, forLoop, lanewisePrimitives, launch, share, store } from '../../dialects/kernel/index.ts';
import {
  attr,
  type Block,
  bytesOf,
  type Func,
  type Module,
  type Op,
  type RefType,
  Rewriter,
  scalar,
  type Value,
  walk,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';

/** Turns that leave no thread of a few with much more to do than another. */
const manyTurns = 16;

export const shareLoops = definePass({
  name: 'share-loops',
  summary:
    'Divides the loops of kernels among threads: in each nest of loops whose turns are independent, the outermost with enough turns.',
  phase: 'lower',
  preserves: 'bits',
  options: {
    /** Operations on vectors below which a kernel stays on one thread: meeting again takes as long as some thousands. */
    least_work: attr.int(20000),
  },
  run(module, { least_work }) {
    const inOrder = narrowing(module);
    for (const func of module.functions.values()) {
      if (func.kind === 'kernel' && !inOrder.has(func) && workOf(func.body) >= least_work) shareKernel(func);
    }
  },
});

/** Kernels that write narrower elements over those that they read: what one turn writes, a later one has still to read. */
function narrowing(module: Module): Set<Func> {
  const found = new Set<Func>();
  for (const op of walk(module.main.body)) {
    if (!launch.is(op)) continue;
    const { kernel, variants } = launch.attributesOf(op);
    for (const name of [kernel, ...Object.values(variants as Record<string, string>)]) {
      const func = module.functions.get(name) as Func;
      const ports = op.operands.flatMap((value, i) => {
        const { element, space } = (func.body.args[i] as Value).type as RefType;
        if (!value || !buffer.is(value.op) || space === 'weights') return [];
        const place = `${(value.type as RefType).space} ${buffer.attributesOf(value.op).offset}`;
        return [{ place, bytes: bytesOf(element), isWritten: space === 'output' }];
      });
      const written = ports.filter(({ isWritten }) => isWritten);
      const isRead = ({ place, bytes }: (typeof ports)[number]) =>
        ports.some((one) => !one.isWritten && one.place === place && one.bytes > bytes);
      if (written.some(isRead)) found.add(func);
    }
  }
  return found;
}

/** All that a kernel writes must be written in loops to share, or each thread would write it. */
function shareKernel({ body }: Func): void {
  const writers = [...body.ops()].filter(writes);
  if (!writers.every(isIndependent)) return;
  const loops = writers.map(loopToShare);
  if (!loops.some((loop) => turnsOf(loop) > 1)) return;
  for (const loop of loops) shareLoop(loop);
}

function isIndependent(op: Op): boolean {
  return forLoop.is(op) && forLoop.attributesOf(op).independent;
}

function writes(op: Op): boolean {
  return store.is(op) || op.regions.some((region) => [...walk(region)].some((inner) => store.is(inner)));
}

/** The loop itself, or, where it has few turns, the one inside it that does all the writing. */
function loopToShare(loop: Op): Op {
  if (turnsOf(loop) >= manyTurns) return loop;
  const [inner, another] = [...(loop.regions[0] as Block).ops()].filter(writes);
  if (!inner || another || !isIndependent(inner)) return loop;
  const found = loopToShare(inner);
  return turnsOf(found) > turnsOf(loop) ? found : loop;
}

function shareLoop(loop: Op): void {
  const { lower, upper } = forLoop.operandsOf(loop);
  const { step } = forLoop.attributesOf(loop);
  const rewriter = new Rewriter().before(loop);
  const overlaps = clampsTurns(loop);
  const part = rewriter.create(
    share,
    { lower, upper },
    { step, overlaps },
    { types: [scalar('index'), scalar('index')] },
  );
  part.results.forEach((bound, i) => {
    rewriter.setOperand(loop, i, bound);
  });
}

/** Whether the last turn begins earlier than its number says, so as not to reach beyond the end. */
function clampsTurns(loop: Op): boolean {
  const body = loop.regions[0] as Block;
  const turn = body.args[0] as Value;
  return [...walk(body)].some(
    (op) => op.definition === lanewisePrimitives.min.definition && op.operands.includes(turn),
  );
}

/** Turns of a loop; infinitely many where their number is not known. */
function turnsOf(loop: Op): number {
  const { lower, upper } = forLoop.operandsOf(loop);
  const [from, to] = [constantOf(lower), constantOf(upper)];
  if (from === undefined || to === undefined) return Number.POSITIVE_INFINITY;
  return Math.ceil((to - from) / forLoop.attributesOf(loop).step);
}

/** Operations on vector registers that a block comes to. */
function workOf(block: Block): number {
  let work = 0;
  for (const op of block.ops()) {
    work += forLoop.is(op) ? turnsOf(op) * workOf(op.regions[0] as Block) : registersOf(op);
    if (!forLoop.is(op)) for (const region of op.regions) work += workOf(region);
  }
  return work;
}

function registersOf(op: Op): number {
  const [result] = op.results as readonly Value[];
  if (result?.type.kind !== 'vec') return 1;
  return Math.max(1, (result.type.lanes * bytesOf(result.type.element)) / 16);
}
