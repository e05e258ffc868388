import { companionBytes, type LazyText, type PrintOptions, printModuleLazily } from '../../text/index.ts';
import { printPipeline } from '../pipeline.ts';
import type { Instrument } from '../run.ts';

/** A module that makes a pass fail: text with its own command in the first line, and the companion file's bytes. */
export interface Reproducer {
  readonly text: string;
  readonly bin: Uint8Array | undefined;
  /** The pass that failed. */
  readonly pass: string;
}

export interface ReproducerOptions {
  /** Gets the reproducer when a pass, or an instrument around it, has failed. */
  readonly write: (reproducer: Reproducer, error: unknown) => void | Promise<void>;
  /** `random` leaves large weights out: smaller, and nothing of the model's data is given away. Default `file`. */
  readonly weights?: PrintOptions['weights'];
}

/** The first line of a reproducer. */
export function runLine(pipeline: string): string {
  return `// RUN: qc opt --pipeline '${pipeline}'`;
}

/** Keeps the module as it was before each pass, and writes it out when the pass fails. */
export function reproducer({ write, weights }: ReproducerOptions): Instrument {
  let kept: LazyText | undefined;
  return {
    before(_run, module) {
      kept = printModuleLazily(module, weights ? { weights } : {});
    },
    async failed({ pass, remaining }, _module, error) {
      if (!kept) return;
      const text = `${runLine(printPipeline(remaining))}\n${kept.text()}`;
      await write({ text, bin: companionBytes(kept.large), pass: pass.name }, error);
    },
  };
}
