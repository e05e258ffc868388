import type { Instrument } from '../run.ts';

/** How long one run of a pass took. */
export interface PassTime {
  readonly pass: string;
  readonly milliseconds: number;
  /** Bytes that the process holds after it, where the host can tell. */
  readonly memory?: number;
}

/**
 * An instrument that fills `times`, in the order of the runs.
 * @param memory bytes that the process holds now
 */
export function timing(memory?: () => number): Instrument & { readonly times: readonly PassTime[] } {
  const times: PassTime[] = [];
  return {
    times,
    after({ pass }, _module, milliseconds) {
      times.push({ pass: pass.name, milliseconds, ...(memory ? { memory: memory() } : {}) });
    },
  };
}

/** A table of times, longest first, with the share of each, and the memory of the process after it. */
export function timingTable(times: readonly PassTime[]): string {
  const total = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const row = (milliseconds: number, name: string, memory?: number) => {
    const share = total > 0 ? (100 * milliseconds) / total : 0;
    const held = memory === undefined ? '' : `${(memory / 1e6).toFixed(0).padStart(7)} MB`;
    return `${milliseconds.toFixed(1).padStart(10)} ms ${share.toFixed(0).padStart(4)} %${held}  ${name}`;
  };
  const most = times.reduce<number | undefined>(
    (m, { memory }) => (memory === undefined ? m : Math.max(m ?? 0, memory)),
    undefined,
  );
  const sorted = times.toSorted((a, b) => b.milliseconds - a.milliseconds);
  return [...sorted.map((one) => row(one.milliseconds, one.pass, one.memory)), row(total, 'all passes', most)].join(
    '\n',
  );
}
