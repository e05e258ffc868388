import type { Instrument } from '../run.ts';

/** Prints a line for each rewrite: the pass, its rule, and the op and layer that matched. */
export function traceRewrites({ print }: { readonly print: (line: string) => void }): Instrument {
  return {
    rewritten: ({ pass }, { rule, op, source }) =>
      print(`${pass.name}: ${rule} on ${op}${source ? ` '${source}'` : ''}`),
  };
}
