import { stepThrough } from '../../backends/wasm/steps.ts';
import { InternalError, QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { type LaunchSummary, readManifest } from './manifest.ts';
import { selfTestInputs } from './selfTest.ts';

export interface ProfileOptions {
  /** Whole runs, at most; default 50. */
  readonly rounds?: number;
  /** Milliseconds after which no further run begins; default 5000. */
  readonly budget?: number;
  readonly simd?: 'auto' | 'baseline' | 'relaxed';
}

/** How long one launch takes in whole runs. */
export interface LaunchProfile extends LaunchSummary {
  /** Median microseconds. */
  readonly median: number;
  /** The least: what the launch takes when nothing else disturbs it. */
  readonly least: number;
}

export interface Profile {
  readonly name: string;
  readonly scheme: string;
  readonly simd: 'baseline' | 'relaxed';
  readonly rounds: number;
  readonly launches: readonly LaunchProfile[];
  /** Median microseconds of a whole run, the sum over launches. */
  readonly total: number;
}

/**
 * Times every kernel launch of a wasm artifact, run after run, on the inputs of its self-test. The results are
 * compared with those of the unchanged program before anything is timed.
 *
 * @throws QcError for other targets, and where the module is inside the script
 */
export async function profile(files: ReadonlyMap<string, Uint8Array>, options: ProfileOptions = {}): Promise<Profile> {
  const manifest = readManifest(files.get('manifest.json') ?? new Uint8Array(0), 'manifest.json');
  if (manifest.target !== 'wasm' || ![...files.keys()].some((path) => path.endsWith('.wasm'))) {
    throw new QcError({
      what: 'only wasm artifacts with a module of their own can be profiled',
      why: `this one is ${manifest.target === 'wasm' ? 'a single file' : `for the target ${manifest.target}`}`,
      help: 'compile the model with --target wasm and without --single-file',
    });
  }
  if (manifest.signature.symbols) {
    throw new QcError({
      what: 'a program for open sizes cannot be profiled',
      why: 'its times depend on the sizes',
      help: 'compile the model for the size that matters: --dim NAME=SIZE',
    });
  }
  const { rounds = 50, budget = 5000, simd = 'auto' } = options;
  const given = Object.entries(selfTestInputs(manifest)).map(([name, { data }]: [string, HostTensor]) => [name, data]);
  const program = await stepThrough(files, Object.fromEntries(given), { simd });
  for (const step of program.steps) step();
  // with states a second run goes on from where the first one ended
  if (!manifest.signature.states) checkOutputs(program);
  const times = program.steps.map((): number[] => []);
  const begin = performance.now();
  let done = 0;
  for (; done < rounds && (done < 3 || performance.now() - begin < budget); done++) {
    for (const [i, step] of program.steps.entries()) {
      const start = performance.now();
      step();
      times[i]?.push(1000 * (performance.now() - start));
    }
  }
  const launches = times.map((own, i): LaunchProfile => {
    const { layer, op, multiplyAdds } = manifest.launches[i] ?? { layer: '', op: '', multiplyAdds: 0 };
    const sorted = own.toSorted((a, b) => a - b);
    return { layer, op, multiplyAdds, median: sorted[sorted.length >> 1] as number, least: sorted[0] as number };
  });
  const total = launches.reduce((sum, { median }) => sum + median, 0);
  return { name: manifest.name, scheme: manifest.scheme, simd: program.simd, rounds: done, launches, total };
}

function checkOutputs({ outputs, expected }: Awaited<ReturnType<typeof stepThrough>>): void {
  for (const [name, data] of Object.entries(expected)) {
    const own = outputs[name];
    if (own && data.every((x, i) => Object.is(x, own[i]))) continue;
    throw new InternalError(`taken apart, the program gives other results for the output '${name}'`);
  }
}
