/** The runtime of a compiled model in WebAssembly: loads it, chooses what the machine can do, and runs it. */

import { probeRelaxedDot } from './relaxedDot.ts';
import { forEachPlace, grownSizes, isFound, lengthIn, type OpenSizes, type Sizes, sizeIn, sizesOf } from './sizes.ts';
import {
  arrayType,
  bytesOf,
  check,
  checkNames,
  checkType,
  type Data,
  describe,
  fetchFile,
  isResponse,
  type ModelSignature,
  type TensorInfo,
  type Tensors,
} from './tensors.ts';

/** What the compiler says about a model. */
export interface ModelInfo extends OpenSizes {
  readonly outputs: readonly TensorInfo[];
  readonly relaxed: 'none' | 'instructions' | 'dot';
  readonly weights: { readonly address: number; readonly bytes: number; readonly external: boolean };
}

export type Source = BufferSource | WebAssembly.Module | Response;

export interface LoadOptions {
  /** The module; by default it is fetched from beside this file. */
  readonly wasm?: Source | Promise<Source>;
  /** The weights, where they are in a file of their own; by default fetched from beside this file. */
  readonly weights?: BufferSource | Response | Promise<BufferSource | Response>;
  /** `auto`: relaxed SIMD where this machine's is exact. `relaxed` throws where it is not. */
  readonly simd?: 'auto' | 'baseline' | 'relaxed';
}

/** Where a model's files are when the caller names none. */
export interface Defaults {
  readonly wasm: () => URL | Uint8Array<ArrayBuffer>;
  readonly weights: () => URL;
}

export interface RunOptions {
  readonly into?: Partial<Tensors>;
  /** Sizes that the lengths of the inputs don't tell. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** A model, ready to run. */
export interface Model {
  readonly signature: ModelSignature;
  /** The instructions in use. */
  readonly simd: 'baseline' | 'relaxed';
  /** The inputs and outputs in the model's own memory, for use with `execute`. */
  readonly views: { readonly inputs: Tensors; readonly outputs: Tensors };
  /**
   * Runs on the inputs given and gives the outputs as fresh arrays, or in the arrays of `into`, which hold the most that
   * there can be where data decide. Throws a RangeError when they decide for more.
   */
  run(inputs: Readonly<Tensors>, options?: RunOptions): Tensors;
  /** Runs on what `views.inputs` hold; the results are in `views.outputs`. A model with open sizes is told them. */
  execute(sizes?: Readonly<Record<string, number>>): void;
  /** The sizes that the model keeps, as they are now: how far its growing states are filled. And what data decided. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Sets every state to zero, as after loading; those that grow are empty again. */
  reset(): void;
  /** Copies of the states as they are now. */
  saveState(): Tensors;
  /** Sets the states that are given, such as those that `saveState` gave. */
  loadState(states: Readonly<Tensors>): void;
}

export type Run = (...sizes: number[]) => void;

/** The relaxed kernels in use. */
export interface Relaxed {
  readonly module: WebAssembly.Module;
  readonly mask: number;
  readonly run: Run;
}

/** Threads that run a model together: see threads.ts. */
export interface Crew {
  /** What a module whose memory is shared imports. */
  readonly imports: {
    readonly memory: WebAssembly.Memory;
    readonly thread: number;
    readonly threads: number;
    /** 1 where the thread may sleep. */
    readonly sleeps: 0 | 1;
  };
  /** Gives the other threads what they run. The result has all of them run it. */
  begin(run: Run, module: WebAssembly.Module, relaxed: Relaxed | undefined): Promise<Run>;
}

async function compile(source: Source): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (!isResponse(source)) return WebAssembly.compile(source);
  // streaming needs the media type application/wasm, which not every server sends
  const streams = source.headers.get('content-type')?.startsWith('application/wasm');
  return streams ? WebAssembly.compileStreaming(source) : WebAssembly.compile(await source.arrayBuffer());
}

/** The relaxed kernels, or why there are none. */
async function relaxedKernels(
  info: ModelInfo,
  module: WebAssembly.Module,
  baseline: WebAssembly.Exports,
): Promise<Relaxed | string> {
  if (info.relaxed === 'none') return 'this model has no relaxed SIMD kernels';
  const mask = info.relaxed === 'dot' ? probeRelaxedDot() : 0;
  if (mask === undefined) return 'the relaxed SIMD dot product of this machine is missing or not exact';
  const [section] = WebAssembly.Module.customSections(module, 'qc.relaxed');
  if (!section) return 'the module has lost its section "qc.relaxed"';
  try {
    const relaxed = await WebAssembly.compile(section);
    const instance = await WebAssembly.instantiate(relaxed, { qc: { ...baseline, mask } });
    return { module: relaxed, mask, run: instance.exports.run as Run };
  } catch (error) {
    return `the relaxed SIMD kernels could not be compiled here (${error instanceof Error ? error.message : error})`;
  }
}

function makeModel(info: ModelInfo, memory: WebAssembly.Memory, simd: Model['simd'], start: Run): Model {
  /** Sizes that the model keeps, and runs until they have grown beyond their bounds. */
  const kept: Sizes = new Map();
  const forget = () => {
    for (const { name, min, next } of info.symbols) if (next !== undefined) kept.set(name, min);
  };
  forget();
  const told = info.symbols.filter(({ found }) => found === undefined);
  const words = new DataView(memory.buffer);
  /** Sizes that data decided in the last run. */
  const last: Sizes = new Map();
  const execute = (sizes: Sizes) => {
    const grown = info.symbols.flatMap(({ name, max, next }): [string, number][] => {
      if (next === undefined) return [];
      const size = sizeIn(next, sizes);
      if (size <= max) return [[name, size]];
      throw new RangeError(
        `the state is full: ${name} would be ${size}, and it may be ${max} at most; reset() begins anew`,
      );
    });
    start(...told.map(({ name }) => sizes.get(name) as number));
    for (const [name, size] of grown) kept.set(name, size);
    for (const { name, max, found } of info.symbols) {
      if (found === undefined) continue;
      const size = words.getInt32(found, true);
      if (size > max) throw new RangeError(`the run found ${size} for ${name}; the program has room for ${max}`);
      sizes.set(name, size);
      last.set(name, size);
    }
  };
  const view = ({ name, dtype, address, length }: TensorInfo): [string, Data] => {
    const type = arrayType(dtype);
    return [name, new type(memory.buffer as ArrayBuffer, address, length)];
  };
  const inputs = Object.fromEntries(info.inputs.map(view));
  const outputs = Object.fromEntries(info.outputs.map(view));
  const states = Object.fromEntries(info.states.map(view));
  return {
    signature: {
      inputs: describe(info.inputs),
      outputs: describe(info.outputs),
      states: describe(info.states),
      sizes: told.map(({ name, min, max, next }) => ({ name, min, max, grows: next !== undefined })),
    },
    simd,
    views: { inputs, outputs },
    execute: (told = {}) => execute(sizesOf(info, kept, told, {})),
    reset() {
      forget();
      for (const state of Object.values(states))
        new Uint8Array(state.buffer, state.byteOffset, state.byteLength).fill(0);
    },
    get sizes() {
      return Object.fromEntries([...kept, ...last]);
    },
    saveState: () =>
      Object.fromEntries(
        info.states.map((one): [string, Data] => {
          const state = (states[one.name] as Data).subarray(0, lengthIn(one, kept));
          const saved = state.slice();
          forEachPlace(one, kept, (place, i) => {
            saved[i] = state[place] as never;
          });
          return [one.name, saved];
        }),
      ),
    loadState(given) {
      checkNames('state', info.states, given);
      const loaded = info.states.filter(({ name }) => Object.hasOwn(given, name));
      for (const one of loaded) checkType('state', one, given[one.name]);
      const grown = grownSizes(info, kept, loaded, given);
      for (const one of loaded) check('state', one, given[one.name], lengthIn(one, grown));
      for (const [name, size] of grown) kept.set(name, size);
      for (const one of loaded) {
        const [from, state] = [given[one.name] as Data, states[one.name] as Data];
        state.set(from as never);
        forEachPlace(one, grown, (place, i) => {
          state[place] = from[i] as never;
        });
      }
    },
    run(given, options) {
      if (typeof given !== 'object' || given === null || ArrayBuffer.isView(given)) {
        throw new TypeError('run takes an object with an array for each input');
      }
      const into = options?.into ?? {};
      checkNames('input', info.inputs, given);
      checkNames('output', info.outputs, into);
      for (const one of info.inputs) {
        if (!Object.hasOwn(given, one.name)) throw new TypeError(`input ${JSON.stringify(one.name)} is missing`);
        checkType('input', one, given[one.name]);
      }
      const sizes = sizesOf(info, kept, options?.sizes ?? {}, given);
      for (const one of info.inputs) check('input', one, given[one.name], lengthIn(one, sizes));
      for (const one of info.outputs) {
        const length = isFound(one, info) ? one.length : lengthIn(one, sizes);
        if (Object.hasOwn(into, one.name)) check('output', one, into[one.name], length);
      }
      for (const { name } of info.inputs) inputs[name]?.set(given[name] as never);
      execute(sizes);
      const results = info.outputs.map((one): [string, Data] => {
        const { name } = one;
        const result = (outputs[name] as Data).subarray(0, lengthIn(one, sizes));
        const own = Object.hasOwn(into, name) ? into[name] : undefined;
        if (!own) return [name, result.slice()];
        own.set(result as never);
        return [name, result.length < own.length ? own.subarray(0, result.length) : own];
      });
      return Object.fromEntries(results);
    },
  };
}

/** Writes the weights that are no data segment into the memory. */
async function placeWeights(
  { weights: { address, bytes, external } }: ModelInfo,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  source: () => LoadOptions['weights'],
): Promise<void> {
  const [section] = WebAssembly.Module.customSections(module, 'qc.weights');
  if (!external && !section) return;
  const weights = await bytesOf(section ?? ((await source()) as BufferSource | Response));
  if (weights.byteLength !== bytes) {
    throw new RangeError(`the weights have ${weights.byteLength} bytes; the model needs ${bytes}`);
  }
  new Uint8Array(memory.buffer).set(weights, address);
}

/** Loads a model. Rejects when it can't be read or compiled, or when the instructions asked for are not there. */
export async function instantiate(
  info: ModelInfo,
  defaults: Defaults,
  options: LoadOptions = {},
  crew?: Crew,
): Promise<Model> {
  const { simd = 'auto' } = options;
  if (!['auto', 'baseline', 'relaxed'].includes(simd)) {
    throw new TypeError(`simd must be "auto", "baseline" or "relaxed", not ${JSON.stringify(simd)}`);
  }
  const file = (source: URL | Uint8Array<ArrayBuffer>) => (source instanceof URL ? fetchFile(source) : source);
  const module = await compile(await (options.wasm ?? file(defaults.wasm())));
  const instance = await WebAssembly.instantiate(module, crew && { qc: crew.imports });
  const exports = { ...instance.exports, ...crew?.imports } as WebAssembly.Exports;
  const memory = exports.memory as WebAssembly.Memory;
  await placeWeights(info, module, memory, () => options.weights ?? file(defaults.weights()));
  const relaxed = simd === 'baseline' ? 'not asked for' : await relaxedKernels(info, module, exports);
  if (typeof relaxed === 'string' && simd === 'relaxed') throw new Error(`relaxed SIMD can't be used: ${relaxed}`);
  const used = typeof relaxed === 'string' ? undefined : relaxed;
  const run = used?.run ?? (exports.run as Run);
  const start = crew ? await crew.begin(run, module, used) : run;
  return makeModel(info, memory, used ? 'relaxed' : 'baseline', start);
}
