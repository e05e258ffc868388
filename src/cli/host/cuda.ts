import { spawnSync } from 'node:child_process';
import { profileMain } from '../../../backends/cuda/profile.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import {
  type NativeBuild,
  type NativeSource,
  readTimes,
  runProgram,
  runSteps,
  withProgram,
  writeInputs,
} from './native.ts';

/** What CUDA artifacts need here, in words; what of it is missing is undefined. */
export interface CudaTools {
  /** The release of nvcc. */
  readonly compiler: string | undefined;
  /** The name of the graphics processor. */
  readonly device: string | undefined;
}

/** Looks for nvcc, and for a graphics processor. */
export function findCuda(): CudaTools {
  const compiler = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
  const device = spawnSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { encoding: 'utf8' });
  return {
    compiler: compiler.status === 0 ? (/release [\d.]+/.exec(compiler.stdout)?.[0] ?? 'nvcc') : undefined,
    device: device.status === 0 ? device.stdout.trim().split('\n')[0] || undefined : undefined,
  };
}

/**
 * Compiles a CUDA artifact with nvcc in a temporary folder, runs it once on this machine's graphics processor and gives
 * its outputs.
 * @throws QcError when nvcc or a graphics processor is missing, or the program reports an error
 */
export function runCuda(artifact: NativeSource, inputs: readonly HostTensor[], tools = findCuda()): HostTensor[] {
  checkTools(tools);
  const { signature } = artifact;
  const { name } = signature;
  const args = ['-O3', '-arch=native', `-D${name}_MAIN`, `${name}.cu`, '-o', 'model'];
  return withProgram(artifact, { files: {}, compiler: 'nvcc', args }, (folder) => {
    return runSteps(folder, signature, [inputs])[0] ?? [];
  });
}

/**
 * Compiles a CUDA artifact with hooks behind every launch, checks it by its self-test and times it, run after run.
 * @param limits most runs, and milliseconds after which no further one begins
 * @param build how the files, and `qc-main.cu`, become a program; default: by nvcc, for this machine
 * @returns microseconds of each launch in each run
 * @throws QcError when nvcc or a graphics processor is missing, or the program reports an error
 */
export function timeCuda(
  artifact: NativeSource,
  launches: number,
  inputs: readonly HostTensor[],
  limits: { readonly rounds: number; readonly budget: number },
  build: Pick<NativeBuild, 'compiler' | 'args'> = nvccBuild(artifact),
): number[][] {
  const { signature } = artifact;
  const files = { [profileFile]: profileMain(signature, launches) };
  return withProgram(artifact, { ...build, files }, (folder) => {
    writeInputs(folder, signature, [inputs]);
    runProgram(folder, [`${limits.rounds}`, `${Math.min(limits.budget, 1e9)}`]);
    return readTimes(folder, launches);
  });
}

/** No name of a model, which is an identifier, can be the same. */
const profileFile = 'qc-main.cu';

function nvccBuild({ signature: { name } }: NativeSource): Pick<NativeBuild, 'compiler' | 'args'> {
  checkTools(findCuda());
  const args = ['-O3', '-arch=native', `-D${name}_TRACE`, `${name}.cu`, profileFile, '-o', 'model'];
  return { compiler: 'nvcc', args };
}

/** @throws QcError when a tool is missing */
function checkTools({ compiler, device }: CudaTools): void {
  if (compiler && device) return;
  throw new QcError({
    what: 'a CUDA artifact cannot run on this machine',
    why: compiler ? 'nvidia-smi finds no graphics processor' : 'there is no nvcc to compile it with',
    help: compiler
      ? 'run it where there is one; for the same numbers here compile the model with --target wasm or c'
      : 'install the CUDA toolkit',
  });
}
