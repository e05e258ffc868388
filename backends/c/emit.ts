import type { Module } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { cmakeText } from './cmake.ts';
import { type Cpu, cpus } from './cpus.ts';
import {
  type DispatchedVersion,
  dispatchedVersions,
  dispatchText,
  prototypeText,
  versionFile,
  versionFunction,
  versionText,
} from './dispatch.ts';
import { headerText } from './header.ts';
import { type KernelFunctions, printKernels } from './kernelFunction.ts';
import { CSupport } from './language.ts';
import { type Layout, layoutOf } from './layout.ts';
import { runText } from './run.ts';
import { type SelfTest, selfTestText } from './selftest.ts';
import { type CSignature, portsOf, statesOf } from './signature.ts';
import { sizesOf, stateBytesOf } from './sizes.ts';
import { interfaceText, kernelText, preamble } from './source.ts';
import { meetingText } from './threads.ts';
import { type WeightsPlace, weightsDeclaration, weightsText } from './weights.ts';
import { concatenated } from './words.ts';

export interface EmitCOptions {
  /** Prefix of every symbol: a C identifier. */
  readonly name: string;
  /** In NAME.c, or in a file of their own that the caller loads. Default `inline`. */
  readonly weights?: WeightsPlace;
  /** Kernels for several x86 processors, each in a file of its own, among which NAME_run chooses. Not with `cpu`. */
  readonly dispatch?: boolean;
  /** What it is written for, and the module planned for. Default: what its compiler says. */
  readonly cpu?: Cpu;
  /** Whether several threads can run it, whose kernels `share-loops` has divided. Default: one does. */
  readonly threads?: boolean;
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
  /** NAME.c, NAME.h, CMakeLists.txt and, for weights that are not inline, NAME_weights.bin. */
  readonly files: Map<string, Uint8Array>;
  readonly signature: CSignature;
  readonly report: CReport;
}

/**
 * A planned program (main of kernel launches) as C99. The same module and options give the same bytes.
 * @throws QcError when `name` is no identifier
 */
export function emitC(module: Module, options: EmitCOptions): CArtifact {
  const { name, weights = 'inline', selftest, cpu, dispatch = false, threads = false } = options;
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
    weights: blob.length > 0 && weights === 'external' ? 'external' : 'inline',
    selftest: selftest !== undefined,
    ...(threads ? { threads } : {}),
  };
  const program = { module, signature, layout };
  const versions = dispatch ? dispatchedVersions : [];
  const parts = versions.map((version) => versionPart(program, version, blob.length > 0));
  const own = dispatch ? undefined : ownPart(program, cpu);
  const printed = own ? [own] : parts;
  const source = concatenated([
    encode(own ? own.head : preamble(signature, new CSupport())),
    ...weightsText(name, blob, weights, dispatch),
    encode(own ? own.body : ''),
    encode(own ? '' : meetingText(signature)),
    encode(interfaceText(signature, layout)),
    encode(own ? own.run : dispatchText(signature)),
    ...(selftest ? [selfTestText(signature, selftest)] : []),
  ]);
  const usesMathLibrary = printed.some(({ support }) => support.usesMathLibrary);
  const includesWeights = weights === 'incbin' && blob.length > 0;
  const files = new Map([
    [`${name}.c`, source],
    ...parts.map(({ file, head, body, run }): [string, Uint8Array] => [file, encode(`${head}${body}${run}`)]),
    [`${name}.h`, encode(headerText(signature))],
    ['CMakeLists.txt', encode(cmakeText(name, { usesMathLibrary, versions, includesWeights, threads }))],
  ]);
  if (signature.weights === 'external' || includesWeights) files.set(`${name}_weights.bin`, blob);
  const { kernels } = printed[0] as Part;
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

const encode = (text: string) => new TextEncoder().encode(text);

interface Program {
  readonly module: Module;
  readonly signature: CSignature;
  readonly layout: Layout;
}

/** The kernels of a file, with what stands above them and the function that calls them. */
interface Part {
  readonly support: CSupport;
  readonly kernels: KernelFunctions;
  readonly head: string;
  readonly body: string;
  readonly run: string;
}

function ownPart({ module, signature, layout }: Program, cpu: Cpu | undefined): Part {
  const support = new CSupport(cpu?.machine);
  const kernels = printKernels(module, support);
  return {
    support,
    kernels,
    head: preamble(signature, support, cpu),
    body: `${kernelText(kernels, support)}${meetingText(signature)}`,
    run: runText(module, signature, kernels, layout),
  };
}

function versionPart({ module, signature, layout }: Program, version: DispatchedVersion, hasWeights: boolean) {
  const { name, weights } = signature;
  const { machine } = cpus[version.cpu];
  const support = new CSupport(machine);
  const kernels = printKernels(module, support);
  const head = preamble(signature, support, { machine, text: versionText(version) });
  return {
    support,
    kernels,
    file: versionFile(name, version),
    head: hasWeights && weights === 'inline' ? `${head}${weightsDeclaration(name)}` : head,
    body: `${kernelText(kernels, support)}${meetingText(signature)}${prototypeText(signature, version)}`,
    run: runText(module, signature, kernels, layout, versionFunction(name, version)),
  };
}
