import { UsageError } from './usage.ts';

/** What QC_DEBUG=1, 2, … add to standard error, each to what those before it do. */
export const debugLevels = [
  'every pass with its time and the operations before and after it, and where in qc an error was raised',
  'every rewrite, as --trace-rewrites prints them',
  'the IR after every pass, as --print-ir-after-all prints it',
] as const;

/** The level that the environment asks for; 0 where it asks for nothing. @throws UsageError for what is no level */
export function debugLevel(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const level = Number(text);
  if (/^\d+$/.test(text) && level <= debugLevels.length) return level;
  throw new UsageError(`QC_DEBUG=${text} is no level`, `there are 0 to ${debugLevels.length}`);
}
