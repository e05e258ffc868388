import * as structure from '../../dialects/kernel/structure.ts';
import { type Block, type Op, walk } from '../../src/ir/index.ts';
import { callsOf, callText, foundSize, type Program, traceText, whenText } from './calls.ts';

/** Statements of a run that one thread does, or all do, between meetings. */
export interface Turn {
  readonly alone: boolean;
  readonly lines: readonly string[];
}

const meet = 'qc_meet(ctx->threads);';

/** The statements of turns, at whose ends all threads meet; turns of one thread in a row are one. */
export function turnsText(turns: readonly Turn[], indent: string): string[] {
  const lines: string[] = [];
  turns.forEach((turn, i) => {
    const follows = turn.alone && turns[i - 1]?.alone;
    const ends = !(turn.alone && turns[i + 1]?.alone);
    if (!turn.alone) {
      lines.push(...turn.lines, `${indent}${meet}`);
      return;
    }
    if (!follows) lines.push(`${indent}if (qc_thread == 0) {`);
    lines.push(...turn.lines.map((line) => `  ${line}`));
    if (ends) lines.push(`${indent}}`, `${indent}${meet}`);
  });
  return lines;
}

/**
 * The launches of a block: kernels that share loops are run by all threads, the others by the first. A flag is read by
 * all while no thread writes, and so is the size that a launch has found.
 */
export function turnsOf(block: Block, program: Program, indent: string): Turn[] {
  return [...block.ops()].flatMap((op): Turn[] => {
    if (structure.launch.is(op)) return launchTurns(program, op, indent);
    if (!structure.when.is(op)) return [];
    const region = op.regions[0] as Block;
    const begin = whenText(program, op, indent);
    if (![...walk(region)].some((inner) => needsAll(program, inner))) {
      return [{ alone: true, lines: [begin, ...callsOf(region, program, `${indent}  `), `${indent}}`] }];
    }
    const inner = turnsText(turnsOf(region, program, `${indent}  `), `${indent}  `);
    return [{ alone: false, lines: [begin, ...inner, `${indent}}`] }];
  });
}

function launchTurns(program: Program, op: Op, indent: string): Turn[] {
  const called = [callText(program, op, indent), traceText(program, op, indent)];
  const shares = program.kernels.byLaunch.get(op)?.shares === true;
  const found = foundSize(program, op);
  const turns = [{ alone: !shares, lines: called }];
  if (!found) return turns;
  // nobody writes again before all have read
  return [
    ...turns,
    { alone: false, lines: [`${indent}${found.read}`] },
    { alone: false, lines: found.refused.map((line) => `${indent}${line}`) },
  ];
}

function needsAll(program: Program, op: Op): boolean {
  if (!structure.launch.is(op)) return false;
  return program.kernels.byLaunch.get(op)?.shares === true || foundSize(program, op) !== undefined;
}
