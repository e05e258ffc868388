import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { gapBytes, readSimtProgram } from '../../backends/clike/simtProgram.ts';
import { emitCuda } from '../../backends/cuda/emit.ts';
import { runSteps, withProgram } from '../../src/cli/host/native.ts';
import type { Module } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { missing } from '../c/program.ts';
import { gapsOf } from '../differential/gaps.ts';

/** Headers with which generated CUDA is C++ for the CPU. */
export const shimFolder = fileURLToPath(new URL('shim', import.meta.url));

/** Why nothing can run on the shim, for the names of skipped tests; empty when it can. */
export const missingShim = missing('g++');

/** What every compile of generated CUDA for the CPU takes. */
export const shimFlags: readonly string[] = [
  ...['-std=gnu++17', '-ffp-contract=off', '-fno-strict-aliasing', '-Wall', '-Wno-tautological-compare', '-Werror'],
  ...['-I', shimFolder],
];

export const sanitized = ['-O0', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

export interface ShimOptions {
  /** Default `-O1`. */
  readonly flags?: readonly string[];
  /** Changes the generated text, to see a fault found. */
  readonly plant?: (text: string) => string;
}

/** As runOnShim, for several runs of one model. The threads of a run go in another order than those of the last. */
export function runStepsOnShim(
  module: Module,
  steps: readonly (readonly HostTensor[])[],
  { flags = ['-O1'], plant = (text) => text }: ShimOptions = {},
): HostTensor[][] {
  const { files, signature } = emitCuda(module, { name: 'model' });
  const source = plant(new TextDecoder().decode(files.get('model.cu')));
  const planted = new Map([...files, ['model.cu', new TextEncoder().encode(source)]] as const);
  const build = {
    files: { 'driver.cpp': driver(gapsOf(readSimtProgram(module))) },
    compiler: 'g++',
    args: [...shimFlags, ...flags, 'driver.cpp', '-o', 'model'],
  };
  return withProgram({ files: planted, signature }, build, (folder) => runSteps(folder, signature, steps));
}

/**
 * Runs a planned module on the CPU: its threads forward, reversed and in random order, which must not make a
 * difference. Looks whether it writes behind its inputs and outputs.
 */
export function runOnShim(module: Module, inputs: readonly HostTensor[], options: ShimOptions = {}): HostTensor[] {
  const [first = [], ...others] = runStepsOnShim(module, [inputs, inputs, inputs], options);
  for (const other of others) expect(other, 'threads in another order').toEqual(first);
  return first;
}

/** The program's own main, and what it must leave alone. */
function driver(gaps: readonly number[]): string {
  return `#define model_MAIN
#define main model_main
#include "model.cu"
#undef main

int main(int argc, char **argv)
{
  static const shim::Gap gaps[] = {${gaps.map((offset) => `{${offset}, ${gapBytes}}`).join(', ')}};
  shim::gaps = gaps;
  shim::gapCount = ${gaps.length};
  return model_main(argc, argv);
}
`;
}
