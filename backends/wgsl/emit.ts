import type { Module } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { readSimtProgram, type SimtProgram } from '../clike/simtProgram.ts';
import { type Exchange, exchangesFor, title } from './exchanges.ts';
import { entryText, printKernels } from './kernels.ts';
import { WgslSupport } from './language.ts';

/** What the runtime is told: see ModelInfo in runtime/webgpu.ts. */
export interface ModelInfo extends Pick<SimtProgram, 'inputs' | 'outputs' | 'states' | 'memoryBytes'> {
  readonly weightsBytes: number;
  readonly kernels: readonly string[];
  readonly launches: readonly (readonly number[])[];
  readonly exchanges: readonly Exchange[];
}

export interface WgslProgram {
  readonly program: SimtProgram;
  readonly shader: string;
  readonly info: ModelInfo;
}

/** The buffers of a launch: what 256 bytes of places hold. */
const mostBuffers = 64;

/** A planned module as one shader module and a list of dispatches. */
export function compileWgsl(module: Module): WgslProgram {
  const program = readSimtProgram(module);
  const support = new WgslSupport();
  const { entries, kernels } = printKernels(program.launches, support);
  for (const { buffers, name } of kernels) invariant(buffers <= mostBuffers, `${name} has ${buffers} buffers`);
  const shader = [
    title,
    '@group(0) @binding(0) var<storage, read> weights: array<u32>;',
    '@group(0) @binding(1) var<storage, read_write> memory: array<u32>;',
    '// The first word of each buffer of a launch.',
    '@group(0) @binding(2) var<uniform> places: array<vec4<u32>, 16>;',
    '',
    ...[...support.helpers.values()].flatMap((text) => [text, '']),
    ...kernels.flatMap(entryText),
  ].join('\n');
  const launches = program.launches.map(({ workgroups, places }, i) => [
    kernels.indexOf(entries[i] as (typeof kernels)[number]),
    workgroups,
    ...places.map((bytes) => bytes / 4),
  ]);
  const { inputs, outputs, states, memoryBytes, weights } = program;
  const info = {
    ...{ inputs, outputs, states, memoryBytes, launches },
    weightsBytes: weights.byteLength,
    kernels: kernels.map(({ name }) => name),
    exchanges: exchangesFor(shader),
  };
  return { program, shader, info };
}
