import { z } from 'zod';
import { readDocument } from '../support/document.ts';
import type { Schedules } from '../target/index.ts';
import { tunedTargets } from './choices.ts';
import { type Artifact, type CompileOptions, copyPrepared, finish, type Prepared } from './compile.ts';

/** Rows of a register tile that are tried. */
const candidates = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16];
/** A schedule is kept that takes less than this share of the time of the compiler's own choice. */
const worthwhile = 0.97;

/** What was found for a model on a machine: the content of a file of schedules. */
export interface Tuning {
  readonly format: 1;
  readonly target: (typeof tunedTargets)[number];
  readonly scheme: string;
  /** What it was measured on, in words. */
  readonly machine: string;
  readonly layers: Schedules;
}

export interface TuneOptions extends Pick<CompileOptions, 'cpu' | 'limits'> {
  readonly target: Tuning['target'];
  readonly machine: string;
  /** The least microseconds of each launch of an artifact. */
  readonly time: (files: Artifact['files']) => Promise<readonly number[]> | readonly number[];
  /** Turns in which every candidate is timed; default 3. */
  readonly turns?: number;
  readonly report?: (line: string) => void;
}

/** A layer's times in microseconds, as compiled without and with what was found. */
export interface TunedLayer {
  readonly layer: string;
  readonly rows: number;
  readonly before: number;
  readonly after: number;
}

/**
 * Times the kernels of sums of products with register tiles of other sizes, every candidate in every turn, and keeps for
 * each layer the one that takes least. Results of a program don't depend on tiles. The prepared model is not changed.
 */
export async function tune(
  prepared: Prepared,
  { target, machine, time, turns = 3, report = () => {}, ...options }: TuneOptions,
): Promise<{ readonly tuning: Tuning; readonly layers: readonly TunedLayer[] }> {
  const compiled = (schedules: Schedules) => finish(copyPrepared(prepared), { ...options, target, schedules });
  const own = await compiled({});
  const { launches } = own.manifest;
  const names = [...new Set(launches.filter(({ multiplyAdds }) => multiplyAdds > 0).map(({ layer }) => layer))];
  const tried: { readonly rows: number | undefined; readonly files: Artifact['files'] }[] = [
    { rows: undefined, files: own.files },
  ];
  const seen = new Set([contentOf(own)]);
  for (const rows of candidates) {
    const artifact = await compiled(Object.fromEntries(names.map((name) => [name, { rows }])));
    if (seen.has(contentOf(artifact))) continue;
    seen.add(contentOf(artifact));
    tried.push({ rows, files: artifact.files });
  }
  /** Of each candidate, the least time of each layer. */
  const least = tried.map(() => new Map<string, number>());
  for (let turn = 0; turn < turns; turn++) {
    for (const [i, { files }] of tried.entries()) {
      const times = await time(files);
      const sums = new Map<string, number>();
      for (const [at, { layer }] of launches.entries()) sums.set(layer, (sums.get(layer) ?? 0) + (times[at] as number));
      for (const [layer, sum] of sums) {
        least[i]?.set(layer, Math.min(sum, least[i]?.get(layer) ?? Number.POSITIVE_INFINITY));
      }
    }
    report(`timed ${tried.length} programs, turn ${turn + 1} of ${turns}`);
  }
  const layers = names.flatMap((layer): TunedLayer[] => {
    const times = least.map((found) => found.get(layer) as number);
    const before = times[0] as number;
    const after = Math.min(...times);
    const { rows } = tried[times.indexOf(after)] as (typeof tried)[number];
    return rows !== undefined && after < worthwhile * before ? [{ layer, rows, before, after }] : [];
  });
  const chosen = Object.fromEntries(layers.map(({ layer, rows }) => [layer, { rows }]));
  return { tuning: { format: 1, target, scheme: prepared.scheme, machine, layers: chosen }, layers };
}

/** The hashes of an artifact's files: candidates that compile to the same are timed once. */
const contentOf = ({ manifest }: Artifact) => JSON.stringify(manifest.files);

const readable = z.strictObject({
  format: z.literal(1),
  target: z.enum(tunedTargets),
  scheme: z.string(),
  machine: z.string(),
  layers: z.record(z.string(), z.strictObject({ rows: z.int().min(1).max(64) })),
});

/** Reads a file of schedules. @throws QcError when it is none */
export function readTuning(text: string, where: string): Tuning {
  return readDocument(readable, text, {
    noJson: 'the schedules are no JSON',
    another: 'this is no file of schedules',
    where,
    help: 'give a file that qc tune wrote',
  });
}
