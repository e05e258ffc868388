import type binaryen from 'binaryen';
import type { Program, ProgramGuard, ProgramLaunch, ProgramSymbol } from './program.ts';
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
  readonly #symbols: Program['symbols'];

  constructor(b: Binaryen, m: binaryen.Module, symbols: Program['symbols']) {
    this.b = b;
    this.m = m;
    this.#symbols = symbols;
  }

  /** A size that `run` is told, or as much of one that was found as there is room for. */
  #size(i: number): binaryen.ExpressionRef {
    const { m, b } = this;
    const { found, max } = this.#symbols[i] as ProgramSymbol;
    if (found === undefined) return m.local.get(i, b.i32);
    const size = () => m.i32.load(0, 4, m.i32.const(found | 0));
    return m.select(m.i32.le_s(size(), m.i32.const(max)), size(), m.i32.const(max));
  }

  /** Nothing was found yet: a launch that waits for a flag may not find anything. */
  nothingFound(): binaryen.ExpressionRef[] {
    const { m } = this;
    return this.#symbols.flatMap(({ found }) =>
      found === undefined ? [] : [m.i32.store(0, 4, m.i32.const(found | 0), m.i32.const(0))],
    );
  }

  /** The call of a kernel on sizes and constant addresses. */
  call({ kernel, addresses }: ProgramLaunch): binaryen.ExpressionRef {
    const { m, b } = this;
    const sizes = this.#symbols.map((_, i) => this.#size(i));
    return m.call(kernel, [...sizes, ...addresses.map((address) => m.i32.const(address | 0))], b.none);
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
  write = (c: RunContext, steps: readonly RunStep[]) => [...c.nothingFound(), ...c.inTurn(steps)],
): void {
  const name = '(run)';
  const c = new RunContext(b, m, program.symbols);
  const told = program.symbols.filter(({ found }) => found === undefined);
  const parameters = b.createType(told.map(() => b.i32));
  m.addFunction(name, parameters, b.none, [], m.block(null, write(c, stepsOf(program.launches)), b.none));
  m.addFunctionExport(name, 'run');
}
