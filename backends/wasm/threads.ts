import type binaryen from 'binaryen';
import { share } from '../../dialects/kernel/index.ts';
import { type Func, walk } from '../../src/ir/index.ts';
import type { Binaryen } from './relaxed.ts';
import type { RunContext, RunStep } from './run.ts';
import { threadCount, threadNumber } from './structure.ts';
import type { Expression } from './values.ts';

/** The function in which all threads meet. */
export const barrier = 'barrier';
/** The custom section that holds the weights of a program whose memory is shared. */
export const weightsSection = 'qc.weights';

/** Where threads meet, in the first bytes of the memory, which no buffer has: how many have come, and how often all had. */
const arrived = 0;
const meetings = 4;
/** How often a thread looks whether the others are there before it sleeps. */
const looks = 4000;

/** The global that says whether the thread may sleep. */
const maySleep = 'sleeps';

/** The globals that say which thread an instance is for. */
export function importThread(b: Binaryen, m: binaryen.Module, from: string): void {
  for (const name of [threadNumber, threadCount, maySleep]) m.addGlobalImport(name, from, name, b.i32);
}

/**
 * `barrier`: returns when every thread has called it, which then see what the others wrote. The thread of a page may not
 * sleep, and goes on looking.
 */
export function addBarrier(b: Binaryen, m: binaryen.Module): void {
  const [turn, left] = [0, 1];
  const { atomic } = m.i32;
  const zero = () => m.i32.const(0);
  const get = (local: number) => m.local.get(local, b.i32);
  const meetingsSoFar = () => atomic.load(meetings, zero());
  const others = m.i32.sub(m.global.get(threadCount, b.i32), m.i32.const(1));
  const body = m.block('done', [
    m.local.set(turn, meetingsSoFar()),
    m.if(
      m.i32.eq(atomic.rmw.add(arrived, zero(), m.i32.const(1)), others),
      m.block(null, [
        atomic.store(arrived, zero(), zero()),
        m.drop(atomic.rmw.add(meetings, zero(), m.i32.const(1))),
        m.drop(m.memory.atomic.notify(m.i32.const(meetings), m.i32.const(-1))),
        m.br('done'),
      ]),
    ),
    m.local.set(left, m.i32.const(looks)),
    m.loop(
      'look',
      m.block(null, [
        m.br('done', m.i32.ne(meetingsSoFar(), get(turn))),
        m.br('look', m.i32.eqz(m.global.get(maySleep, b.i32))),
        m.local.set(left, m.i32.sub(get(left), m.i32.const(1))),
        m.br('look', get(left)),
        // whoever wakes looks once more
        m.drop(m.memory.atomic.wait32(m.i32.const(meetings), get(turn), m.i64.const(-1n))),
        m.local.set(left, m.i32.const(1)),
        m.br('look'),
      ]),
    ),
  ]);
  m.addFunction(barrier, b.none, b.none, [b.i32, b.i32], body);
  m.addFunctionExport(barrier, barrier);
}

/** `run` for every thread: the first begins while the others are told. */
export function runThreads(c: RunContext, steps: readonly RunStep[], kernels: ReadonlyMap<string, Func>): Expression[] {
  const { m, b } = c;
  const nothing = c.nothingFound();
  const isFirst = m.i32.eqz(m.global.get(threadNumber, b.i32));
  const begin = nothing.length === 0 ? [] : [m.if(isFirst, m.block(null, nothing, b.none))];
  return [...begin, ...runTogether(c, steps, kernels)];
}

/** Steps for every thread: kernels to share are run by all, between meetings, and the others by the first thread alone. */
function runTogether(c: RunContext, steps: readonly RunStep[], kernels: ReadonlyMap<string, Func>): Expression[] {
  const { m, b } = c;
  const isShared = (step: RunStep): boolean =>
    'steps' in step ? step.steps.some(isShared) : sharesLoops(kernels.get(step.kernel) as Func);
  /** A step that all take part in. A flag is read while no thread writes. */
  const together = (step: RunStep): Expression =>
    'steps' in step ? c.behind(step.guard, runTogether(c, step.steps, kernels)) : c.call(step);
  const meet = () => m.call(barrier, [], b.none);
  const statements: Expression[] = [];
  let alone: RunStep[] = [];
  const first = () => {
    if (alone.length === 0) return;
    const isFirst = m.i32.eqz(m.global.get(threadNumber, b.i32));
    statements.push(m.if(isFirst, m.block(null, c.inTurn(alone), b.none)), meet());
    alone = [];
  };
  for (const step of steps) {
    if (!isShared(step)) {
      alone.push(step);
      continue;
    }
    first();
    statements.push(together(step), meet());
  }
  first();
  return statements;
}

function sharesLoops(kernel: Func): boolean {
  return [...walk(kernel.body)].some((op) => share.is(op));
}
