import { spawnSync } from 'node:child_process';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { type NativeSource, runSteps, withProgram } from './native.ts';

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
  const { compiler, device } = tools;
  if (!compiler || !device) {
    throw new QcError({
      what: 'a CUDA artifact cannot run on this machine',
      why: compiler ? 'nvidia-smi finds no graphics processor' : 'there is no nvcc to compile it with',
      help: compiler
        ? 'run it where there is one; for the same numbers here compile the model with --target wasm or c'
        : 'install the CUDA toolkit',
    });
  }
  const { signature } = artifact;
  const { name } = signature;
  const args = ['-O3', '-arch=native', `-D${name}_MAIN`, `${name}.cu`, '-o', 'model'];
  return withProgram(artifact, { files: {}, compiler: 'nvcc', args }, (folder) => {
    return runSteps(folder, signature, [inputs])[0] ?? [];
  });
}
