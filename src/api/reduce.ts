import { returnOp } from '../../dialects/nn/return.ts';
import { type Module, type Op, Rewriter, type Value, verifyModule } from '../ir/index.ts';
import { isDead } from '../rewrite/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { copyModule } from './read.ts';

export interface ReduceOptions {
  /** Whether a module still fails as it should; it may use the module up. */
  readonly fails: (module: Module) => Promise<boolean>;
  /** Gets plain lines about progress. */
  readonly report?: (line: string) => void;
}

/** What a reduced module holds. */
export interface Reduced {
  readonly module: Module;
  /** Ops before and after, constants aside. */
  readonly before: number;
  readonly after: number;
  /** Modules that were tried. */
  readonly tried: number;
}

/**
 * Shrinks a module while it still fails, by three edits, in ever smaller pieces until none helps (delta debugging,
 * Zeller and Hildebrandt 2002): cut what comes after an op, replace ops by arguments of @main, and pass over an op
 * whose operand has the type of its result.
 *
 * @throws QcError when the module does not fail to begin with
 */
export async function reduceModule(module: Module, { fails, report = () => {} }: ReduceOptions): Promise<Reduced> {
  let best = copyModule(module);
  let tried = 0;
  const before = opsOf(best).length;
  const attempt = async (edit: (module: Module) => boolean): Promise<boolean> => {
    const candidate = copyModule(best);
    if (!edit(candidate) || !isWhole(candidate)) return false;
    tried++;
    if (!(await fails(copyModule(candidate)))) return false;
    best = candidate;
    report(`${opsOf(best).length} operations still fail`);
    return true;
  };
  if (!(await fails(copyModule(best)))) {
    throw new QcError({
      what: 'the module does not fail in this way',
      why: 'there is nothing to keep while it shrinks',
      help: 'check --pipeline, and the text of --fails-with',
    });
  }
  for (let size = -1; size !== opsOf(best).length; ) {
    size = opsOf(best).length;
    await cutEnd(best, attempt);
    for (let piece = Math.ceil(opsOf(best).length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
      for (let at = 0; at < opsOf(best).length; ) {
        const removed = await attempt((m) => replaceByArguments(m, at, piece));
        if (!removed) at += piece;
      }
    }
    for (let at = 0; at < opsOf(best).length; at++) await attempt((m) => passOver(m, at));
  }
  return { module: best, before, after: opsOf(best).length, tried };
}

/** The ops of @main that compute. */
function opsOf({ main }: Module): Op[] {
  return [...main.body.ops()].filter((op) => !op.definition.terminator && !op.isConstant);
}

function isWhole(module: Module): boolean {
  try {
    verifyModule(module);
    return true;
  } catch {
    return false;
  }
}

/** Tries to return an op's results instead of the model's, the earliest op first. */
async function cutEnd(module: Module, attempt: (edit: (module: Module) => boolean) => Promise<boolean>): Promise<void> {
  const count = opsOf(module).length;
  for (let end = 0; end < count - 1; end++) {
    if (await attempt((m) => returnResultsOf(m, end))) return;
  }
}

function returnResultsOf(module: Module, index: number): boolean {
  const op = opsOf(module)[index];
  const end = module.main.body.last;
  if (!op || !end) return false;
  const rewriter = new Rewriter().before(end);
  const results = op.results.filter(({ type }) => type.kind === 'tensor');
  if (results.length === 0) return false;
  rewriter.create(returnOp, { values: [...results] });
  rewriter.erase(end);
  module.main.resultNames = results.map((_, i) => `result${i}`);
  module.main.resultTypes = results.map(({ type }) => type);
  module.states.length = 0;
  eraseDead(module, rewriter);
  return true;
}

/** Replaces the results of `count` ops by new arguments of @main. */
function replaceByArguments(module: Module, at: number, count: number): boolean {
  const { main } = module;
  const chosen = new Set(opsOf(module).slice(at, at + count));
  const rewriter = new Rewriter();
  let changed = false;
  for (const op of chosen) {
    for (const result of op.results) {
      const outside = [...result.users].filter((user) => !chosen.has(user));
      if (outside.length === 0 || outside.every((user) => user.definition.terminator)) continue;
      const name = freshName(main.body.args, result.name ?? 'value');
      rewriter.replaceUses(result, main.body.addArgument(result.type, name));
      changed = true;
    }
  }
  eraseDead(module, rewriter);
  return changed;
}

function freshName(args: readonly Value[], wanted: string): string {
  let name = wanted;
  for (let i = 2; args.some((arg) => arg.name === name); i++) name = `${wanted}_${i}`;
  return name;
}

/** Uses an operand of the result's type instead of the op. */
function passOver(module: Module, at: number): boolean {
  const op = opsOf(module)[at];
  const [result] = op?.results ?? [];
  if (!op || !result || op.results.length !== 1) return false;
  const same = op.operands.find((operand) => operand?.type === result.type);
  if (!same) return false;
  const rewriter = new Rewriter();
  rewriter.replaceUses(result, same);
  eraseDead(module, rewriter);
  return true;
}

/** Erases ops and arguments of @main that nothing uses. */
function eraseDead(module: Module, rewriter: Rewriter): void {
  const { body } = module.main;
  for (let op = body.last; op; ) {
    const { previous } = op;
    if (isDead(op)) rewriter.erase(op);
    op = previous;
  }
  const used = body.args.filter(({ uses }) => uses.size > 0);
  body.args.splice(0, body.args.length, ...used);
}
