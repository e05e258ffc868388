import type { Command } from '../command.ts';
import { compile } from './compile.ts';
import { debug } from './debug.ts';
import { diff } from './diff.ts';
import { doctor } from './doctor.ts';
import { evalCommand } from './eval.ts';
import { explain } from './explain.ts';
import { generate } from './generate.ts';
import { inspect } from './inspect.ts';
import { opt } from './opt.ts';
import { profile } from './profile.ts';
import { quantize } from './quantize.ts';
import { reduce } from './reduce.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { tune } from './tune.ts';

/** Every command, in the order of help. */
export const commands: readonly Command[] = [
  ...[compile, quantize, run, generate],
  ...[evalCommand, debug, explain, report, profile, tune, diff, inspect],
  ...[opt, reduce, doctor],
];

/** Commands of the design that are not there yet. */
export const planned: ReadonlyMap<string, string> = new Map([['bench', 'measures speed against other runtimes']]);
