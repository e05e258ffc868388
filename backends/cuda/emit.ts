import type { Module } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { CSupport } from '../c/language.ts';
import type { SelfTest } from '../c/selftest.ts';
import { type CSignature, portsOf, statesOf } from '../c/signature.ts';
import { concatenated, wordArray } from '../c/words.ts';
import { readSimtProgram } from '../clike/simtProgram.ts';
import { cmakeText } from './cmake.ts';
import { headerText } from './header.ts';
import { kernelLines, printKernels } from './kernels.ts';
import { mainText, selfTestSource } from './main.ts';
import { interfaceText, preamble } from './source.ts';
import { cudaTarget } from './target.ts';

export interface EmitCudaOptions {
  /** Prefix of every symbol: a C identifier. */
  readonly name: string;
  /** In NAME.cu, or in a file of their own that the caller loads. Default `inline`. */
  readonly weights?: 'inline' | 'external';
  /** When given, the code gets a NAME_selftest. */
  readonly selftest?: SelfTest;
}

/** Sizes in bytes, and counts. */
export interface CudaReport {
  readonly arenaBytes: number;
  readonly stateBytes: number;
  readonly weightsBytes: number;
  /** On the device: weights, arena, states, inputs and outputs. */
  readonly memoryBytes: number;
  readonly launches: number;
  readonly functions: number;
}

export interface CudaArtifact {
  /** NAME.cu, NAME.h, CMakeLists.txt and, for external weights, NAME_weights.bin. */
  readonly files: Map<string, Uint8Array>;
  readonly signature: CSignature;
  readonly report: CudaReport;
}

/** A planned program as CUDA C++. The same module and options give the same bytes. */
export function emitCuda(module: Module, options: EmitCudaOptions): CudaArtifact {
  const { name, selftest } = options;
  invariant(/^[A-Za-z][A-Za-z0-9_]*$/.test(name), `"${name}" begins no C symbols`);
  const program = readSimtProgram(module);
  const { weights: blob, arenaBytes, stateBytes, memoryBytes, launches } = program;
  const states = statesOf(module);
  const signature: CSignature = {
    name,
    sizes: [],
    ...portsOf(module),
    states,
    stateBytes,
    arenaBytes: memoryBytes,
    weightsBytes: blob.length,
    weights: blob.length === 0 ? 'inline' : (options.weights ?? 'inline'),
    selftest: selftest !== undefined,
  };
  const support = new CSupport();
  const { entries, kernels } = printKernels(launches, support);
  const stateAddress = (program.states[0]?.address ?? 0) - (states[0]?.offset ?? 0);
  const encode = (text: string) => new TextEncoder().encode(text);
  const helpers = [...support.helpers.values()].flatMap(({ text }) => [text, '']);
  const source = concatenated([
    encode(preamble(signature)),
    ...(signature.weights === 'inline' && blob.length > 0 ? wordArray(`${name}_weights`, blob, 'static ') : []),
    encode([...helpers, ...kernels.flatMap(kernelLines), ''].join('\n')),
    encode(interfaceText({ signature, program, entries, stateAddress, slack: cudaTarget.slack })),
    ...(selftest ? [selfTestSource(signature, selftest)] : []),
    encode(mainText(signature)),
  ]);
  const files = new Map([
    [`${name}.cu`, source],
    [`${name}.h`, encode(headerText(signature))],
    ['CMakeLists.txt', encode(cmakeText(name))],
  ]);
  if (signature.weights === 'external') files.set(`${name}_weights.bin`, Uint8Array.from(blob));
  const report = {
    arenaBytes,
    stateBytes,
    weightsBytes: blob.length,
    memoryBytes: memoryBytes + blob.length,
    launches: launches.length,
    functions: kernels.length,
  };
  return { files, signature, report };
}
