import { printModule } from '../../text/index.ts';
import type { Instrument, PassRun } from '../run.ts';

/** Names of passes, or all of them. */
export type PassChoice = readonly string[] | 'all';

export interface PrintIrOptions {
  readonly before?: PassChoice;
  readonly after?: PassChoice;
  /** Gets a comment line that names the pass, then the module; large weights stand as random values. */
  readonly print: (text: string) => void;
}

/** Prints the module before or after passes. */
export function printIr({ before = [], after = [], print }: PrintIrOptions): Instrument {
  const chosen = (choice: PassChoice, { pass }: PassRun) => choice === 'all' || choice.includes(pass.name);
  return {
    before(run, module) {
      if (chosen(before, run)) print(`// before ${run.pass.name}\n${printModule(module, { weights: 'random' }).text}`);
    },
    after(run, module) {
      if (chosen(after, run)) print(`// after ${run.pass.name}\n${printModule(module, { weights: 'random' }).text}`);
    },
  };
}
