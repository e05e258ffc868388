import type { Instrument } from '../run.ts';

/** Asks before each pass whether to go on: what `check` throws ends the pipeline. */
export function timeLimit(check: () => void): Instrument {
  return { before: () => check() };
}
