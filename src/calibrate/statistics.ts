import { z } from 'zod';
import { QcError } from '../support/diagnostics.ts';
import { readDocument } from '../support/document.ts';
import { Histogram } from './histogram.ts';
import type { Range, Seen } from './observers/index.ts';
import { ChannelExtremes, type Division, type SliceKind, TokenExtremes } from './slices.ts';

/** What was seen of one value. */
export class ValueStatistics implements Seen {
  readonly histogram: Histogram;
  /** Of the smallest and of the largest element of each sample. */
  readonly sums: { low: number; high: number; samples: number };

  tokens: TokenExtremes | undefined;
  channels: ChannelExtremes | undefined;

  constructor(histogram: Histogram = new Histogram(), sums: ValueStatistics['sums'] = { low: 0, high: 0, samples: 0 }) {
    this.histogram = histogram;
    this.sums = sums;
  }

  /** Counts a sample in, its elements limited to [low, high]. */
  add(data: Float32Array, low: number, high: number): void {
    const { min, max } = this.histogram.add(data, low, high);
    if (!Number.isFinite(max - min)) return;
    this.sums.low += min;
    this.sums.high += max;
    this.sums.samples++;
  }

  /** Counts the tokens or channels of a sample in. */
  addSlices(kind: SliceKind, data: Float32Array, division: Division, low: number, high: number): void {
    if (!data.every(Number.isFinite)) return;
    if (kind === 'tokens') this.tokens ??= new TokenExtremes();
    else this.channels ??= new ChannelExtremes();
    this[kind]?.add(data, division, low, high);
  }

  merge({ histogram, sums, tokens, channels }: ValueStatistics): void {
    this.histogram.merge(histogram);
    if (tokens) this.tokens?.merge(tokens);
    if (channels) this.channels?.merge(channels);
    this.sums.low += sums.low;
    this.sums.high += sums.high;
    this.sums.samples += sums.samples;
  }

  get average(): Range {
    const { low, high, samples } = this.sums;
    return { min: low / samples, max: high / samples };
  }
}

/** Sums of the windows that a layer sees, element by element, and their number. */
export interface WindowSums {
  count: number;
  readonly sums: Float64Array;
}

/** What calibration has seen, by the names that observers have. */
export interface Statistics {
  /** What ran the model. Floats of different engines differ in the last bits. */
  readonly engine: 'wasm' | 'interpreter';
  samples: number;
  readonly values: Map<string, ValueStatistics>;
  readonly windows: Map<string, WindowSums>;
  /** Values that were found to need 16 bits. */
  readonly raised: ReadonlySet<string>;
}

/** Statistics of nothing yet. */
export function emptyStatistics(engine: Statistics['engine']): Statistics {
  return { engine, samples: 0, values: new Map(), windows: new Map(), raised: new Set() };
}

const format = 'qc statistics 1';

const finite = z.number();
const counted = {
  min: finite,
  max: finite,
  count: z.int().min(0),
  width: finite.min(0),
  first: z.int().min(-2048).max(2047),
  counts: z.array(z.int().min(0)).max(4096),
  notFinite: z.enum(['NaN', 'Infinity', '-Infinity']).optional(),
};
const readable = z.object({
  format: z.literal(format),
  engine: z.enum(['wasm', 'interpreter']),
  samples: z.int().min(1),
  values: z.record(
    z.string(),
    z.object({
      ...counted,
      sums: z.object({ low: finite, high: finite, samples: z.int().min(0) }),
      tokens: z.object({ low: z.object(counted), high: z.object(counted) }).optional(),
      channels: z.object({ low: z.array(finite), high: z.array(finite) }).optional(),
    }),
  ),
  windows: z.record(z.string(), z.object({ count: z.int().min(1), sums: z.array(finite) })),
  raised: z.array(z.string()).default([]),
});

/** Statistics as JSON, a line for each value: the same text for the same statistics. */
export function printStatistics({ engine, samples, values, windows, raised }: Statistics): string {
  const lines = (entries: readonly (readonly [string, unknown])[]): string =>
    `{${entries.map(([name, content]) => `\n${JSON.stringify(name)}: ${JSON.stringify(content)}`).join(',')}\n}`;
  const seen = [...values].map(([name, value]) => [name, recordOf(value)] as const);
  const means = [...windows].map(([name, one]) => [name, { count: one.count, sums: [...one.sums] }] as const);
  const also = raised.size > 0 ? `,\n"raised": ${JSON.stringify([...raised])}` : '';
  const head = `"format": ${JSON.stringify(format)}, "engine": "${engine}", "samples": ${samples}`;
  return `{${head},\n"values": ${lines(seen)},\n"windows": ${lines(means)}${also}}\n`;
}

const recordOf = ({ sums, histogram, tokens, channels }: ValueStatistics) => ({
  sums,
  ...histogram.toRecord(),
  ...(tokens ? { tokens: tokens.toRecord() } : {}),
  ...(channels ? { channels: channels.toRecord() } : {}),
});

/** Reads what `printStatistics` has written. @throws QcError when it is nothing of the kind */
export function parseStatistics(text: string): Statistics {
  const { engine, samples, values, windows, raised } = readDocument(readable, text, {
    noJson: 'the statistics are no JSON',
    another: 'these are no statistics that this version of qc reads',
    help: 'give a file that --save-statistics wrote',
  });
  return {
    engine,
    samples,
    raised: new Set(raised),
    values: new Map(
      Object.entries(values).map(([name, { sums, tokens, channels, ...record }]) => {
        const value = new ValueStatistics(Histogram.fromRecord(record), sums);
        if (tokens) value.tokens = TokenExtremes.fromRecord(tokens);
        if (channels) value.channels = new ChannelExtremes(channels);
        return [name, value];
      }),
    ),
    windows: new Map(
      Object.entries(windows).map(([name, { count, sums }]) => [name, { count, sums: Float64Array.from(sums) }]),
    ),
  };
}

/**
 * What both have seen. Histograms are merged exactly: parts of the data may be calibrated apart. What either part found
 * to need 16 bits has them.
 * @throws QcError when they are of different models
 */
export function mergeStatistics(a: Statistics, b: Statistics): Statistics {
  const same = sameNames(a.values, b.values) && sameNames(a.windows, b.windows) && a.engine === b.engine;
  const sizes = [...a.windows].every(([name, { sums }]) => b.windows.get(name)?.sums.length === sums.length);
  if (!same || !sizes) {
    throw new QcError({
      what: 'statistics of different models, options or engines do not fit together',
      help: 'give those that were saved for the same model with the same options',
    });
  }
  const merged = { ...parseStatistics(printStatistics(a)), raised: new Set([...a.raised, ...b.raised]) };
  merged.samples += b.samples;
  for (const [name, value] of b.values) merged.values.get(name)?.merge(value);
  for (const [name, { count, sums }] of b.windows) {
    const into = merged.windows.get(name) as WindowSums;
    into.count += count;
    sums.forEach((sum, i) => {
      into.sums[i] = (into.sums[i] as number) + sum;
    });
  }
  return merged;
}

const sameNames = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean =>
  a.size === b.size && [...a.keys()].every((name) => b.has(name));
