/**
 * What a file says about the machine that it is compiled for: the macros that hold on the one it was written for.
 * Undefined where its compiler finds out.
 */
export type Machine = ReadonlySet<string> | undefined;

/** Whether a condition, macros joined by && and perhaps with a !, holds on a known machine. */
export function holds(when: string, machine: ReadonlySet<string>): boolean {
  return when
    .split(' && ')
    .every((term) => term === '1' || (term.startsWith('!') ? !machine.has(term.slice(1)) : machine.has(term)));
}

/** Lines that are there where a condition holds, or `otherwise`. */
export function guarded(
  machine: Machine,
  when: string,
  lines: readonly string[],
  otherwise?: readonly string[],
): readonly string[] {
  if (machine) return holds(when, machine) ? lines : (otherwise ?? []);
  return [`#if ${when}`, ...lines, ...(otherwise ? ['#else', ...otherwise] : []), '#endif'];
}
