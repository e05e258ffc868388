import { interpret } from '../../interpret/index.ts';
import { type Module, Resource } from '../../ir/index.ts';
import type { Sample } from '../../pass/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { copyPrepared, finish, type Prepared } from '../compile.ts';
import { instantiate } from '../instantiate.ts';

/** A prepared model that answers samples. */
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
    return { runsOn: 'wasm', run: (sample) => instance.run(sample) };
  } catch (error) {
    if (!(error instanceof QcError)) throw error;
    report(`${prepared.scheme}: runs in the interpreter, since it does not compile: ${error.diagnostic.what}`);
    return { runsOn: 'interpreter', run: (sample) => interpret(module, sample) };
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
