import { QcError } from './diagnostics.ts';

/** What a model may come to: its file is input that nobody vouches for. Each is the largest allowed number. */
export const limitTable = {
  nesting: { most: 100, of: 'messages inside one another in the file' },
  nodes: { most: 200_000, of: 'nodes, with functions inlined and loops unrolled' },
  elements: { most: 2 ** 32, of: 'elements of one tensor' },
  foldedBytes: { most: 2 ** 31, of: 'bytes of all constants that the import computes' },
  operationBytes: { most: 2 ** 31, of: 'bytes that one operation of a run reads and writes, weights apart' },
  seconds: { most: 3600, of: 'seconds of the import, of the passes and of the interpreted test run, each' },
} as const satisfies Readonly<Record<string, { readonly most: number; readonly of: string }>>;

export type LimitName = keyof typeof limitTable;

export type Limits = { readonly [K in LimitName]: number };

/** The limits of the table where `given` says nothing else. */
export function limitsWith(given: Partial<Limits> = {}): Limits {
  const defaults = Object.entries(limitTable).map(([name, { most }]) => [name, most]);
  return { ...(Object.fromEntries(defaults) as Limits), ...given };
}

/** Refuses what goes beyond a limit; `what` says what it is that does. @throws QcError that names the limit */
export function checkLimit(limits: Limits, name: LimitName, found: number, what: string, where?: string): void {
  if (found <= limits[name]) return;
  throw new QcError({
    what,
    where: where || undefined,
    why: `the limit '${name}' is ${limits[name]}`,
    help: `export a smaller model, or raise the limit for one that you trust: --allow ${name}=…, or limits.${name} in the API`,
  });
}

/** Begins to count the seconds; what it gives refuses to go on when there are too many. `doing` says with what. */
export function startClock(limits: Limits, doing: string): () => void {
  const start = performance.now();
  return () => checkLimit(limits, 'seconds', (performance.now() - start) / 1000, `${doing} takes too long`);
}
