import { threadsRuntime } from '../../runtime-strings/threads.ts';
import { wasmRuntime } from '../../runtime-strings/wasm.ts';
import type { Module } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { TypedArray } from '../../src/support/tensor.ts';
import { importText } from '../importText.ts';
import type { ModelSignature } from '../typings.ts';
import { compileProgram, type ModelInfo } from './package.ts';

type Tensors = Readonly<Record<string, TypedArray>>;

/** A model that runs in this process. */
export interface WasmModel {
  readonly signature: ModelSignature;
  readonly simd: 'baseline' | 'relaxed';
  readonly views: { readonly inputs: Tensors; readonly outputs: Tensors };
  /** Throws a TypeError or RangeError that names the input or output that doesn't fit. */
  run(
    inputs: Tensors,
    options?: { readonly into?: Tensors; readonly sizes?: Readonly<Record<string, number>> },
  ): Record<string, TypedArray>;
  execute(sizes?: Readonly<Record<string, number>>): void;
  /** The sizes of growing states, as they are now. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Sets every state to zero. */
  reset(): void;
  /** Copies of the states, by the names of their inputs. */
  saveState(): Record<string, TypedArray>;
  /** Sets the states that are named. Throws a TypeError or RangeError for one that doesn't fit. */
  loadState(states: Tensors): void;
  /** Where threads run the model: how many. */
  readonly threads?: number;
  /** Where threads run the model: ends them. */
  close?(): void;
}

export interface WasmRunOptions {
  readonly simd?: 'auto' | 'baseline' | 'relaxed';
  /** Of a program that threads share: how many. */
  readonly threads?: 'auto' | number;
}

type Instantiate = (
  info: ModelInfo,
  defaults: object,
  options: WasmRunOptions & { wasm: Uint8Array; weights?: Uint8Array },
) => Promise<WasmModel>;

/** The parts of the runtime that are called here. */
interface Runtime {
  instantiate: Instantiate;
  instantiateThreaded: Instantiate;
  probeRelaxedDot(): number | undefined;
}

let loaded: Promise<Runtime> | undefined;

/** The runtime that artifacts hold, as a module of this process. */
export function loadWasmRuntime(): Promise<Runtime> {
  loaded ??= importText(
    `${wasmRuntime}\n${threadsRuntime}\nexport { instantiate, instantiateThreaded, probeRelaxedDot };`,
  ) as Promise<Runtime>;
  return loaded;
}

/**
 * Compiles a planned module and loads it in this process: in Node, in a page or in a worker. Where a number of threads
 * is named, they share it.
 */
export async function runWasm(module: Module, options: WasmRunOptions = {}): Promise<WasmModel> {
  const threads = options.threads !== undefined;
  const [runtime, { emitted, info }] = await Promise.all([loadWasmRuntime(), compileProgram(module, { threads })]);
  const load = threads ? runtime.instantiateThreaded : runtime.instantiate;
  return load(info, {}, { ...options, wasm: emitted.wasm });
}

/** Loads the files of an artifact (a single one, or a script with its module) in this process. */
export async function instantiateWasm(
  files: ReadonlyMap<string, Uint8Array>,
  options: WasmRunOptions = {},
): Promise<WasmModel> {
  const named = (ending: string) => [...files].find(([path]) => path.endsWith(ending))?.[1];
  const script = named('.js');
  invariant(script, 'the artifact has a script');
  const { load } = (await importText(new TextDecoder().decode(script))) as {
    load(options: object): Promise<WasmModel>;
  };
  const [wasm, weights] = [named('.wasm'), named('.bin')];
  return load({ ...options, ...(wasm ? { wasm } : {}), ...(weights ? { weights } : {}) });
}
