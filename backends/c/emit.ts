import type { Module } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { cmakeText } from './cmake.ts';
import type { Cpu } from './cpus.ts';
import { headerText, WEIGHTS_ALIGNMENT } from './header.ts';
import { printKernels } from './kernelFunction.ts';
import { CSupport } from './language.ts';
import { layoutOf } from './layout.ts';
import { type SelfTest, selfTestText } from './selftest.ts';
import { type CSignature, portsOf, statesOf } from './signature.ts';
import { sizesOf, stateBytesOf } from './sizes.ts';
import { interfaceText, kernelText, preamble } from './source.ts';
import { concatenated, wordArray } from './words.ts';

export interface EmitCOptions {
  /** Prefix of every symbol: a C identifier. */
  readonly name: string;
  /** In NAME.c, or in a file of their own that the caller loads. Default `inline`. */
  readonly weights?: 'inline' | 'external';
  /** What it is written for, and the module planned for. Default: what its compiler says. */
  readonly cpu?: Cpu;
  /** When given, the code gets a NAME_selftest. */
  readonly selftest?: SelfTest;
}

export interface CReport {
  /** For values between layers. */
  readonly arenaBytes: number;
  readonly stateBytes: number;
  readonly weightsBytes: number;
  /** Calls of kernels in one run, and functions that they share. */
  readonly launches: number;
  readonly functions: number;
  /** Whether the program must be linked with the mathematics library (for sqrt). */
  readonly usesMathLibrary: boolean;
}

export interface CArtifact {
  /** NAME.c, NAME.h, CMakeLists.txt and, for external weights, NAME_weights.bin. */
  readonly files: Map<string, Uint8Array>;
  readonly signature: CSignature;
  readonly report: CReport;
}

/**
 * A planned program (main of kernel launches) as C99. The same module and options give the same bytes.
 * @throws QcError when `name` is no identifier
 */
export function emitC(module: Module, options: EmitCOptions): CArtifact {
  const { name, weights = 'inline', selftest, cpu } = options;
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw new QcError({
      what: `'${name}' can't begin the names of C symbols`,
      why: 'a C identifier has letters, digits and underscores, and begins with a letter',
      help: 'choose another name with --name',
    });
  }
  const layout = layoutOf(module);
  const packed = module.facts.get('weights')?.bytes() ?? new Uint8Array(0);
  const blob = packed.length === 0 ? packed : concatenated([packed, new Uint8Array(layout.slack)]);
  const signature: CSignature = {
    name,
    sizes: sizesOf(module),
    ...portsOf(module),
    states: statesOf(module),
    stateBytes: stateBytesOf(module),
    arenaBytes: layout.totalBytes,
    weightsBytes: blob.length,
    weights: blob.length === 0 ? 'inline' : weights,
    selftest: selftest !== undefined,
  };
  const support = new CSupport(cpu?.machine);
  const kernels = printKernels(module, support);
  const encode = (text: string) => new TextEncoder().encode(text);
  const inline = signature.weights === 'inline' && blob.length > 0;
  const attributes = `${name}_WEIGHTS_SECTION ${name}_ALIGN(${WEIGHTS_ALIGNMENT}) `;
  const source = concatenated([
    encode(preamble(signature, support, cpu)),
    ...(inline ? wordArray(`${name}_weights`, blob, attributes) : []),
    encode(kernelText(kernels, support)),
    encode(interfaceText(module, signature, kernels, layout)),
    ...(selftest ? [selfTestText(signature, selftest)] : []),
  ]);
  const files = new Map([
    [`${name}.c`, source],
    [`${name}.h`, encode(headerText(signature))],
    ['CMakeLists.txt', encode(cmakeText(name, support.usesMathLibrary))],
  ]);
  if (signature.weights === 'external') files.set(`${name}_weights.bin`, blob);
  const { usesMathLibrary } = support;
  const report = {
    arenaBytes: layout.totalBytes - signature.stateBytes,
    stateBytes: signature.stateBytes,
    weightsBytes: blob.length,
    launches: kernels.byLaunch.size,
    functions: kernels.functions.length,
    usesMathLibrary,
  };
  return { files, signature, report };
}
