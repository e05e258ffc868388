import { observerNames } from '../calibrate/observers/names.ts';
import type { Budget } from '../scheme/index.ts';
import type { OptionTable } from './options.ts';
import { UsageError } from './usage.ts';

/** What the commands that calibrate can be told about it, beside the samples. */
export const rangeOptions = {
  observer: {
    kind: 'text',
    choices: observerNames,
    help: 'how ranges are chosen from what was seen (default: as the scheme says)',
  },
  percentile: { kind: 'text', value: 'P', help: 'of the observer percentile: above 50, at most 100 (default 99.99)' },
  statistics: {
    kind: 'texts',
    value: 'FILE',
    help: 'take what calibration saw from a file of --save-statistics; several are merged',
  },
  'save-statistics': { kind: 'text', value: 'FILE', help: 'write what calibration saw into a file' },
  'max-ram': {
    kind: 'text',
    value: 'SIZE',
    help: 'memory for what is collected of one sample, such as 200MB; with less than needed data is read several times',
  },
} as const satisfies OptionTable;

const units = { '': 1, K: 1e3, M: 1e6, G: 1e9 } as const;

/** A size such as `200MB`, in bytes. @throws UsageError */
export function bytesOf(text: string, option: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([KMG]?)i?B?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(digits) * units[(unit ?? '').toUpperCase() as keyof typeof units]);
  if (bytes > 0) return bytes;
  throw new UsageError(`--${option} ${text}: a size is needed`, 'write for example 200MB');
}

/** What `--budget` of a compilation says: `size=…`, `bops=60%` or `latency=80%|5ms`. @throws UsageError */
export function recipeBudget(text: string): Budget {
  const [, kind, digits, unit] = /^(bops|latency)=(\d+(?:\.\d+)?)\s*(%|ms)$/i.exec(text) ?? [];
  const value = Number(digits);
  if (kind === 'bops' && unit === '%') return { bops: value / 100 };
  if (kind === 'latency') return unit === '%' ? { latency: value / 100 } : { milliseconds: value };
  if (/^size=/.test(text)) return sizeBudget(text);
  throw new UsageError(
    `--budget ${text}: a size, a share of the bit operations or a time is needed`,
    'write for example --budget size=110%, --budget bops=60% or --budget latency=5ms',
  );
}

/** `size=10%` of something, or `size=20KB`. @throws UsageError */
export function sizeBudget(text: string): { bytes: number } | { share: number } {
  const [, digits, unit = ''] = /^size=(\d+(?:\.\d+)?)\s*(%|[KMG]?B?)$/i.exec(text) ?? [];
  if (digits === undefined) {
    throw new UsageError(`--budget ${text}: a size is needed`, 'write for example --budget size=10% or size=20KB');
  }
  return unit === '%' ? { share: Number(digits) / 100 } : { bytes: bytesOf(`${digits}${unit}`, 'budget') };
}
