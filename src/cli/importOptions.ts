import { didYouMean } from '../support/diagnostics.ts';
import { type LimitName, type Limits, limitTable } from '../support/limits.ts';
import type { OptionTable } from './options.ts';
import { UsageError } from './usage.ts';

const numberText = (n: number) => (n >= 2 ** 30 && Number.isInteger(Math.log2(n)) ? `2^${Math.log2(n)}` : `${n}`);

const explained = Object.entries(limitTable).map(([name, { of, most }]) => `${name} (${of}: ${numberText(most)})`);

/** Options of the commands that read a MODEL. */
export const importOptions = {
  allow: {
    kind: 'texts',
    value: 'NAME=N',
    help: `another limit on what the model may come to: ${explained.join(', ')}`,
  },
} as const satisfies OptionTable;

/** The limits that `--allow NAME=N` gives. @throws UsageError */
export function parseLimits(texts: readonly string[]): Partial<Limits> {
  return Object.fromEntries(
    texts.map((text): [string, number] => {
      const [name = '', number = ''] = text.split('=');
      if (!isLimit(name)) {
        const near = didYouMean(name, Object.keys(limitTable));
        const help = near ? `did you mean ${near}?` : `there are: ${Object.keys(limitTable).join(', ')}`;
        throw new UsageError(`--allow ${text}: there is no limit '${name}'`, help);
      }
      if (/^\d+$/.test(number)) return [name, Number(number)];
      throw new UsageError(`--allow ${text} is not understood`, `write --allow ${name}=N with a whole number`);
    }),
  );
}

const isLimit = (name: string): name is LimitName => Object.hasOwn(limitTable, name);
