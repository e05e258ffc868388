import type binaryen from 'binaryen';
import type { Program, ProgramGuard, ProgramLaunch } from './program.ts';
import type { Binaryen } from './relaxed.ts';

/** A launch, or steps behind a flag. */
export type RunStep = ProgramLaunch | GuardedSteps;

export interface GuardedSteps {
  readonly guard: ProgramGuard;
  readonly steps: readonly RunStep[];
}

/** Launches as a tree of their guards: neighbours that share one are tested together. */
function stepsOf(launches: readonly ProgramLaunch[], depth = 0): RunStep[] {
  const steps: RunStep[] = [];
  for (let i = 0; i < launches.length; ) {
    const one = launches[i] as ProgramLaunch;
    const guard = one.guards[depth];
    if (!guard) {
      steps.push(one);
      i++;
      continue;
    }
    const isOther = ({ guards: others }: ProgramLaunch) =>
      others[depth]?.address !== guard.address || others[depth].holds !== guard.holds;
    const length = launches.slice(i).findIndex(isOther);
    const end = length < 0 ? launches.length : i + length;
    steps.push({ guard, steps: stepsOf(launches.slice(i, end), depth + 1) });
    i = end;
  }
  return steps;
}

/** What `run` is written with. */
export class RunContext {
  readonly b: Binaryen;
  readonly m: binaryen.Module;
  readonly #sizes: number;

  constructor(b: Binaryen, m: binaryen.Module, sizes: number) {
    this.b = b;
    this.m = m;
    this.#sizes = sizes;
  }

  /** The call of a kernel on the sizes that `run` is told and on constant addresses. */
  call({ kernel, addresses }: ProgramLaunch): binaryen.ExpressionRef {
    const { m, b } = this;
    const told = Array.from({ length: this.#sizes }, (_, i) => m.local.get(i, b.i32));
    return m.call(kernel, [...told, ...addresses.map((address) => m.i32.const(address | 0))], b.none);
  }

  /** Statements where a flag is as it should be. */
  behind({ address, holds }: ProgramGuard, statements: binaryen.ExpressionRef[]): binaryen.ExpressionRef {
    const { m, b } = this;
    const flag = m.i32.load8_u(0, 1, m.i32.const(address | 0));
    return m.if(holds ? flag : m.i32.eqz(flag), m.block(null, statements, b.none));
  }

  /** Steps in turn. */
  inTurn(steps: readonly RunStep[]): binaryen.ExpressionRef[] {
    return steps.map((step) => ('steps' in step ? this.behind(step.guard, this.inTurn(step.steps)) : this.call(step)));
  }
}

/** `run`: the steps of a program as `write` puts them, by default in turn. */
export function addRun(
  b: Binaryen,
  m: binaryen.Module,
  program: Pick<Program, 'symbols' | 'launches'>,
  write = (c: RunContext, steps: readonly RunStep[]) => c.inTurn(steps),
): void {
  const name = '(run)';
  const c = new RunContext(b, m, program.symbols.length);
  const parameters = b.createType(program.symbols.map(() => b.i32));
  m.addFunction(name, parameters, b.none, [], m.block(null, write(c, stepsOf(program.launches)), b.none));
  m.addFunctionExport(name, 'run');
}
