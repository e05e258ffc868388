import { threadsRuntime } from '../../runtime-strings/threads.ts';
import { wasmRuntime } from '../../runtime-strings/wasm.ts';
import type { Module } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { scriptLiteral } from '../script.ts';
import { type EmittedModule, emitModule } from './emit.ts';
import { type Program, type ProgramState, type ProgramSymbol, type ProgramTensor, readProgram } from './program.ts';
import { modelTypings } from './typings.ts';

export interface WasmOptions {
  /** Stem of the files' names: letters, digits, `_`, `-` and `.`. Default `model`. */
  readonly name?: string;
  /** In the module, or in NAME.bin. Default `inline`. */
  readonly weights?: 'inline' | 'external';
  /** Whether NAME.js holds the module too, so that nothing is fetched. */
  readonly singleFile?: boolean;
  /** Whether threads share the memory and the kernels, which `share-loops` has divided. */
  readonly threads?: boolean;
}

/** What the manifest says about a wasm artifact. */
export interface WasmReport {
  readonly format: 1;
  readonly signature: { readonly inputs: readonly SignatureTensor[]; readonly outputs: readonly SignatureTensor[] };
  readonly arenaBytes: number;
  readonly stateBytes: number;
  readonly weightsBytes: number;
  /** Bytes of the module without the weights. */
  readonly codeBytes: number;
  /** Bytes of the memory that the model takes when it is loaded. */
  readonly memoryBytes: number;
  /** Kernels in the order in which they run. */
  readonly kernels: readonly { readonly name: string; readonly relaxed?: string; readonly source: string }[];
}

export type SignatureTensor = Omit<ProgramTensor, 'address' | 'length' | 'sizes'>;

export interface WasmArtifact {
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  readonly report: WasmReport;
}

/** What the runtime is told: see ModelInfo in runtime/wasm.ts and ThreadedInfo in runtime/threads.ts. */
export interface ModelInfo {
  readonly symbols: readonly ProgramSymbol[];
  readonly inputs: readonly ProgramTensor[];
  readonly outputs: readonly ProgramTensor[];
  readonly states: readonly ProgramState[];
  readonly relaxed: EmittedModule['relaxed'];
  readonly weights: { readonly address: number; readonly bytes: number; readonly external: boolean };
  /** Size of the memory, where threads share it. */
  readonly pages?: number;
}

/** A compiled program: its module and what the runtime must know. */
export interface CompiledProgram {
  readonly program: Program;
  readonly emitted: EmittedModule;
  readonly info: ModelInfo;
}

/** Compiles a planned module, without files around it. */
export async function compileProgram(
  module: Module,
  { weights = 'inline', threads = false }: Pick<WasmOptions, 'weights' | 'threads'> = {},
): Promise<CompiledProgram> {
  const program = readProgram(module);
  const emitted = await emitModule(program, { weights, threads });
  const { symbols, inputs, outputs, states, weightsAddress: address } = program;
  const external = weights === 'external' && program.weights.byteLength > 0;
  const info = {
    symbols,
    inputs,
    outputs,
    states,
    relaxed: emitted.relaxed,
    weights: { address, bytes: program.weights.byteLength, external },
    ...(threads ? { pages: program.pages } : {}),
  };
  return { program, emitted, info };
}

/** Base64 of any number of bytes, with what every JavaScript host has. */
function base64(bytes: Uint8Array): string {
  let text = '';
  const block = 3 * 8192;
  for (let at = 0; at < bytes.byteLength; at += block) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + block)));
  }
  return text;
}

/** The text of NAME.js. */
function modelScript(name: string, info: ModelInfo, embedded: Uint8Array | undefined): string {
  const wasm = embedded
    ? `fromBase64(${scriptLiteral(base64(embedded))})`
    : `new URL(${scriptLiteral(`./${name}.wasm`)}, import.meta.url)`;
  const weights = info.weights.external ? `new URL(${scriptLiteral(`./${name}.bin`)}, import.meta.url)` : 'undefined';
  const threaded = info.pages !== undefined;
  return [
    wasmRuntime.trimEnd(),
    ...(threaded ? [threadsRuntime.trimEnd()] : []),
    `const info = ${scriptLiteral(info)};`,
    `const defaults = { wasm: () => ${wasm}, weights: () => ${weights} };`,
    'export function load(options) {',
    `\treturn ${threaded ? 'instantiateThreaded' : 'instantiate'}(info, defaults, options);`,
    '}',
    '',
  ].join('\n');
}

/**
 * Writes a planned module as a package: NAME.wasm, NAME.js and NAME.d.ts, and NAME.bin with external weights.
 * The same input gives the same bytes. Throws a QcError when the program needs more memory than WebAssembly has.
 */
export async function emitWasm(module: Module, options: WasmOptions = {}): Promise<WasmArtifact> {
  const { name = 'model', weights = 'inline', singleFile = false, threads = false } = options;
  invariant(/^[\w.-]+$/.test(name), `"${name}" is no stem for file names`);
  invariant(!singleFile || weights === 'inline', 'a single file holds its weights');
  const { program, emitted, info } = await compileProgram(module, { weights, threads });
  const encode = (text: string) => new TextEncoder().encode(text);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  if (!singleFile) files.set(`${name}.wasm`, emitted.wasm);
  if (info.weights.external) files.set(`${name}.bin`, Uint8Array.from(program.weights));
  files.set(`${name}.js`, encode(modelScript(name, info, singleFile ? emitted.wasm : undefined)));
  files.set(`${name}.d.ts`, encode(modelTypings(program, { externalWeights: info.weights.external, threads })));
  return { files, report: reportOf(program, emitted) };
}

function reportOf(program: Program, emitted: EmittedModule): WasmReport {
  const tensors = (all: readonly ProgramTensor[]) => all.map(({ address, length, sizes, ...tensor }) => tensor);
  return {
    format: 1,
    signature: { inputs: tensors(program.inputs), outputs: tensors(program.outputs) },
    arenaBytes: program.arenaBytes,
    stateBytes: program.stateBytes,
    weightsBytes: program.weights.byteLength,
    codeBytes: emitted.codeBytes,
    memoryBytes: program.pages * 65536,
    kernels: program.launches.map(({ kernel, relaxed, source }) => ({
      name: kernel,
      ...(relaxed ? { relaxed } : {}),
      source,
    })),
  };
}
