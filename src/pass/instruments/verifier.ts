import { verifyModule } from '../../ir/index.ts';
import { InternalError, QcError } from '../../support/diagnostics.ts';
import type { Instrument } from '../run.ts';

/** Verifies the module after each pass. A pass that breaks the IR is a bug: an InternalError names it. */
export function verifier(): Instrument {
  return {
    after({ pass }, module) {
      try {
        verifyModule(module);
      } catch (error) {
        if (!(error instanceof QcError)) throw error;
        throw new InternalError(`after the pass '${pass.name}': ${error.message}`);
      }
    },
  };
}
