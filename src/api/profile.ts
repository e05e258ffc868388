import { stepThrough } from '../../backends/wasm/steps.ts';
import { type GpuHost, instantiateWgsl } from '../../backends/wgsl/host.ts';
import { timeByClock, timeByQueries } from '../../backends/wgsl/timing.ts';
import { InternalError, QcError } from '../support/diagnostics.ts';
import type { TypedArray } from '../support/tensor.ts';
import type { TargetName } from './choices.ts';
import { type LaunchSummary, type Manifest, readManifest } from './manifest.ts';
import { selfTestInputs } from './selfTest.ts';

export interface ProfileOptions {
  /** Whole runs, at most; default 50. */
  readonly rounds?: number;
  /** Milliseconds after which no further run begins; default 5000. */
  readonly budget?: number;
  /** Of wasm. */
  readonly simd?: 'auto' | 'baseline' | 'relaxed';
}

export const defaultRounds = 50;
export const defaultBudget = 5000;

/** How long one launch takes in whole runs. */
export interface LaunchProfile extends LaunchSummary {
  /** Median microseconds. */
  readonly median: number;
  /** The least: what the launch takes when nothing else disturbs it. */
  readonly least: number;
}

export interface Profile {
  readonly name: string;
  readonly target: TargetName;
  readonly scheme: string;
  /** What ran it, and what measured it. */
  readonly by: string;
  readonly rounds: number;
  readonly launches: readonly LaunchProfile[];
  /** Median microseconds of a whole run, the sum over launches. */
  readonly total: number;
}

type Files = ReadonlyMap<string, Uint8Array>;

/** @throws QcError where one run cannot stand for others */
export function profiledManifest(files: Files): Manifest {
  const manifest = readManifest(files.get('manifest.json') ?? new Uint8Array(0), 'manifest.json');
  if (!manifest.signature.symbols) return manifest;
  throw new QcError({
    what: 'a program for open sizes cannot be profiled',
    why: 'its times depend on the sizes',
    help: 'compile the model for the size that matters: --dim NAME=SIZE',
  });
}

/** The inputs of an artifact's self-test, by name. */
function inputsOf(manifest: Manifest): Record<string, TypedArray> {
  return Object.fromEntries(Object.entries(selfTestInputs(manifest)).map(([name, { data }]) => [name, data]));
}

/** @param times microseconds of each launch in each run */
export function profileOf(manifest: Manifest, by: string, times: readonly (readonly number[])[]): Profile {
  const { name, target, scheme } = manifest;
  const launches = manifest.launches.map(({ layer, op, multiplyAdds }, i): LaunchProfile => {
    const sorted = times.map((run) => run[i] as number).sort((a, b) => a - b);
    return { layer, op, multiplyAdds, median: sorted[sorted.length >> 1] ?? 0, least: sorted[0] ?? 0 };
  });
  const total = launches.reduce((sum, { median }) => sum + median, 0);
  return { name, target, scheme, by, rounds: times.length, launches, total };
}

/** Runs again and again: three times at least, and no more when the time is up. */
async function repeat(
  { rounds = defaultRounds, budget = defaultBudget }: ProfileOptions,
  run: () => number[] | Promise<number[]>,
): Promise<number[][]> {
  const times: number[][] = [];
  const begin = performance.now();
  while (times.length < rounds && (times.length < 3 || performance.now() - begin < budget)) times.push(await run());
  return times;
}

/**
 * Times every kernel launch of a wasm artifact, run after run, on the inputs of its self-test. The results are
 * compared with those of the unchanged program before anything is timed.
 *
 * @throws QcError for other targets, for open sizes, and where the module is inside the script
 */
export async function profile(files: Files, options: ProfileOptions = {}): Promise<Profile> {
  const manifest = profiledManifest(files);
  if (manifest.target !== 'wasm' || ![...files.keys()].some((path) => path.endsWith('.wasm'))) {
    throw new QcError({
      what: 'only wasm artifacts with a module of their own can be profiled here',
      why: `this one is ${manifest.target === 'wasm' ? 'a single file' : `for the target ${manifest.target}`}`,
      help: 'compile the model with --target wasm and without --single-file',
    });
  }
  const { simd = 'auto' } = options;
  const program = await stepThrough(files, inputsOf(manifest), { simd });
  if (program.steps.length !== manifest.launches.length) {
    throw new QcError({
      what: 'a program that chooses what it computes cannot be profiled as wasm',
      why: 'its branches are parts of one function',
      help: 'compile the model for the target c',
    });
  }
  for (const step of program.steps) step();
  // with states a second run goes on from where the first one ended
  if (!manifest.signature.states) checkOutputs(program);
  const times = await repeat(options, () =>
    program.steps.map((step) => {
      const start = performance.now();
      step();
      return 1000 * (performance.now() - start);
    }),
  );
  return profileOf(manifest, `${program.simd} SIMD`, times);
}

function checkOutputs({ outputs, expected }: Awaited<ReturnType<typeof stepThrough>>): void {
  for (const [name, data] of Object.entries(expected)) {
    const own = outputs[name];
    if (own && data.every((x, i) => Object.is(x, own[i]))) continue;
    throw new InternalError(`taken apart, the program gives other results for the output '${name}'`);
  }
}

/**
 * Times every launch of a wgsl artifact on a device, on the inputs of its self-test: between timestamps of the device
 * where it has the feature `timestamp-query`, else by a clock around each launch and the way to the device.
 */
export async function profileOnDevice(files: Files, host: GpuHost, options: ProfileOptions = {}): Promise<Profile> {
  const manifest = profiledManifest(files);
  const { device } = host;
  const model = await instantiateWgsl(files, host);
  try {
    await model.run(inputsOf(manifest));
    const queries = device.features.has('timestamp-query');
    const time = queries ? timeByQueries(model, device) : timeByClock(model, device);
    await time();
    return profileOf(
      manifest,
      queries ? 'timestamps of the device' : 'a clock around each launch',
      await repeat(options, time),
    );
  } finally {
    model.destroy();
  }
}
