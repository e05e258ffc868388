import { Stream } from '../../interpret/index.ts';
import { type Module, Resource } from '../../ir/index.ts';
import type { Sample } from '../../pass/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { copyPrepared, finish, type Prepared } from '../compile.ts';
import { instantiate } from '../instantiate.ts';

/** A prepared model that answers samples; its states go on from sample to sample, but where a sample gives them. */
export interface Runner {
  readonly runsOn: 'wasm' | 'interpreter';
  readonly run: (sample: Sample) => Record<string, HostTensor>;
}

/** The wasm program of a prepared model; where an operation has no kernel, the interpreter, which is slow. */
export async function runnerFor(prepared: Prepared, report: (line: string) => void): Promise<Runner> {
  const { module } = copyPrepared(prepared);
  try {
    const { files } = await finish(prepared, { target: 'wasm' });
    const instance = await instantiate(files);
    const states = new Set(prepared.signature.states?.map(({ name }) => name));
    const part = (sample: Sample, kept: boolean): Sample =>
      Object.fromEntries(Object.entries(sample).filter(([name]) => states.has(name) === kept));
    return {
      runsOn: 'wasm',
      run(sample) {
        instance.loadState(part(sample, true));
        return instance.run(part(sample, false));
      },
    };
  } catch (error) {
    if (!(error instanceof QcError)) throw error;
    report(`${prepared.scheme}: runs in the interpreter, since it does not compile: ${error.diagnostic.what}`);
    const stream = new Stream(module);
    return { runsOn: 'interpreter', run: (sample) => stream.run(sample) };
  }
}

/** Bytes of all constants of a module; those that several ops share count once. */
export function constantBytes(module: Module): number {
  const constants = new Set<Resource>();
  for (const op of module.ops()) {
    for (const value of Object.values(op.attributes)) if (value instanceof Resource) constants.add(value);
  }
  return [...constants].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
