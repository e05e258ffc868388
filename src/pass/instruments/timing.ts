import type { Instrument } from '../run.ts';

/** How long one run of a pass took. */
export interface PassTime {
  readonly pass: string;
  readonly milliseconds: number;
}

/** An instrument that fills `times`, in the order of the runs. */
export function timing(): Instrument & { readonly times: readonly PassTime[] } {
  const times: PassTime[] = [];
  return {
    times,
    after({ pass }, _module, milliseconds) {
      times.push({ pass: pass.name, milliseconds });
    },
  };
}

/** A table of times, longest first, with the share of each. */
export function timingTable(times: readonly PassTime[]): string {
  const total = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const row = (milliseconds: number, name: string) => {
    const share = total > 0 ? (100 * milliseconds) / total : 0;
    return `${milliseconds.toFixed(1).padStart(10)} ms ${share.toFixed(0).padStart(4)} %  ${name}`;
  };
  const sorted = times.toSorted((a, b) => b.milliseconds - a.milliseconds);
  return [...sorted.map((one) => row(one.milliseconds, one.pass)), row(total, 'all passes')].join('\n');
}
