import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { hostCompilers, hostFlags, hostMain, pipeMain, profileMain, threadsMacro } from '../../../backends/c/host.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import {
  buildProgram,
  type NativeBuild,
  type NativeSource,
  readTimes,
  runProgram,
  runSteps,
  withProgram,
  writeInputs,
} from './native.ts';

export interface RunCOptions {
  /** Further compiler options; default `-O2`. */
  readonly flags?: readonly string[];
  /** Run NAME_selftest first; the code must have one. */
  readonly selftest?: boolean;
  /** Of code that several threads can run: how many. Default: one for each processor, at most 8. */
  readonly threads?: number;
  /** The compiler to use. Default: the first of cc, gcc and clang that starts. */
  readonly compiler?: string;
}

/** The name of a C compiler of this machine. @throws QcError when there is none */
export function findCompiler(): string {
  const found = hostCompilers.find((name) => spawnSync(name, ['--version']).status === 0);
  if (found) return found;
  throw new QcError({
    what: 'there is no C compiler to run this artifact with',
    why: `none of ${hostCompilers.join(', ')} starts`,
    help: 'install gcc or clang, or compile the C file yourself',
  });
}

/**
 * Compiles generated C with the host's compiler in a temporary folder, runs it once and gives its outputs.
 * @throws QcError when there is no compiler, it fails, an input has the wrong size, or the program reports an error
 */
export function runC(artifact: NativeSource, inputs: readonly HostTensor[], options: RunCOptions = {}): HostTensor[] {
  return runCSteps(artifact, [inputs], options)[0] ?? [];
}

/** As runC, for several runs of one context after each other: what the model keeps between runs goes on. */
export function runCSteps(
  source: NativeSource,
  steps: readonly (readonly HostTensor[])[],
  options: RunCOptions = {},
): HostTensor[][] {
  const { signature } = source;
  return withProgram(source, buildC(source, hostMain(signature), options), (folder) =>
    runSteps(folder, signature, steps, options.selftest ? ['selftest'] : []),
  );
}

/** Compiles generated C with a main program that runs for as long as it is sent inputs. @throws QcError */
export function buildPipe(source: NativeSource): { readonly folder: string; remove(): void } {
  return buildProgram(source, buildC(source, pipeMain(source.signature), {}));
}

/**
 * Compiles generated C with hooks behind every kernel, checks it by its self-test and times it, run after run.
 * @param limits most runs, and milliseconds after which no further one begins
 * @returns microseconds of each launch in each run
 */
export function timeC(
  source: NativeSource,
  launches: number,
  inputs: readonly HostTensor[],
  limits: { readonly rounds: number; readonly budget: number },
  options: RunCOptions = {},
): number[][] {
  const { signature } = source;
  const flags = [...(options.flags ?? ['-O2']), `-D${signature.name}_TRACE`];
  return withProgram(source, buildC(source, profileMain(signature, launches), { ...options, flags }), (folder) => {
    writeInputs(folder, signature, [inputs]);
    runProgram(folder, [`${limits.rounds}`, `${Math.min(limits.budget, 1e9)}`]);
    return readTimes(folder, launches);
  });
}

/** No name of a model, which is an identifier, can be the same. */
const mainFile = 'qc-main.c';

/** How code and a main become a program. */
function buildC({ files, signature }: NativeSource, main: string, options: RunCOptions): NativeBuild {
  const count = options.threads ?? Math.min(8, availableParallelism());
  const threads = signature.threads ? ['-pthread', `-D${threadsMacro}=${count}`] : [];
  const sources = [mainFile, ...[...files.keys()].filter((path) => path.endsWith('.c'))];
  return {
    files: { [mainFile]: main },
    compiler: options.compiler ?? findCompiler(),
    args: [...hostFlags, ...(options.flags ?? ['-O2']), ...threads, ...sources, '-o', 'model', '-lm'],
  };
}
