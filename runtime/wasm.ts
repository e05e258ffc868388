/** The runtime of a compiled model in WebAssembly: loads it, chooses what the machine can do, and runs it. */

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
  type Size,
  type TensorInfo,
  type Tensors,
} from './tensors.ts';

/** A symbol of the model's sizes. */
export interface SymbolInfo {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Its value in the next run, where the model keeps it. It begins at `min`, and no run takes it beyond `max`. */
  readonly next?: Size;
}

/** What the compiler says about a model. */
export interface ModelInfo {
  readonly symbols: readonly SymbolInfo[];
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** What stays in the memory between runs, by the names of the inputs that it stands for. */
  readonly states: readonly TensorInfo[];
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
  /** Runs on the inputs given and gives the outputs as fresh arrays, or in the arrays of `into`. */
  run(inputs: Readonly<Tensors>, options?: RunOptions): Tensors;
  /** Runs on what `views.inputs` hold; the results are in `views.outputs`. A model with open sizes is told them. */
  execute(sizes?: Readonly<Record<string, number>>): void;
  /** The sizes that the model keeps, as they are now: how far its growing states are filled. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Sets every state to zero, as after loading; those that grow are empty again. */
  reset(): void;
  /** Copies of the states as they are now. */
  saveState(): Tensors;
  /** Sets the states that are given, such as those that `saveState` gave. */
  loadState(states: Readonly<Tensors>): void;
}

/**
 * A module that exports its memory and `dot`: i32x4.relaxed_dot_i8x16_i7x16_add_s on the vectors at 0, 16 and 32,
 * result at 48.
 */
const probeModule =
  'AGFzbQEAAAABBAFgAAADAgEABQQBAQEBBxACBm1lbW9yeQIAA2RvdAAACh8BHQBBMEEA/QAEAEEQ/QAEAEEg/QAEAP2TAv0LBAAL';

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Weights and activations of the probe: the extremes against one another, then numbers without symmetry. */
function probeOperands(round: number): [weights: Int8Array, activations: Uint8Array] {
  const weights = new Int8Array(16);
  const activations = new Uint8Array(16);
  const extremes = [
    [-128, 255],
    [-128, 200],
    [127, 255],
    [127, 128],
    [-128, 128],
    [-1, 255],
    [127, 127],
  ] as const;
  const pair = extremes[round];
  for (let lane = 0; lane < 16; lane++) {
    weights[lane] = pair ? pair[0] : 37 * round + 91 * lane * lane + 13 * lane;
    activations[lane] = pair ? pair[1] : 101 * round + 59 * lane * lane + 29 * lane + 128;
  }
  if (round === extremes.length) weights.fill(-128, 0, 8).fill(127, 8);
  return [weights, activations];
}

/**
 * What must be xor-ed into signed activations so that this machine's relaxed dot product is exact: 0 where it
 * reads them as signed, 0x80808080 where as unsigned; undefined where it saturates, is wrong or is not there.
 */
export function probeRelaxedDot(): number | undefined {
  try {
    const module = new WebAssembly.Module(fromBase64(probeModule));
    const { memory, dot } = new WebAssembly.Instance(module).exports as {
      memory: WebAssembly.Memory;
      dot: () => void;
    };
    const bytes = new Uint8Array(memory.buffer);
    const words = new Int32Array(memory.buffer);
    let signed = true;
    let unsigned = true;
    for (let round = 0; round < 24; round++) {
      const [weights, activations] = probeOperands(round);
      bytes.set(new Uint8Array(weights.buffer), 0);
      bytes.set(activations, 16);
      for (let lane = 0; lane < 4; lane++) words[8 + lane] = 1000003 * (round - 7) * (lane + 1);
      dot();
      for (let lane = 0; lane < 4; lane++) {
        let asSigned = words[8 + lane] as number;
        let asUnsigned = asSigned;
        for (let i = 4 * lane; i < 4 * lane + 4; i++) {
          const weight = weights[i] as number;
          const activation = activations[i] as number;
          asUnsigned += weight * activation;
          asSigned += weight * ((activation << 24) >> 24);
        }
        const found = words[12 + lane];
        signed &&= found === asSigned;
        unsigned &&= found === asUnsigned;
      }
    }
    return signed ? 0 : unsigned ? 0x80808080 | 0 : undefined;
  } catch {
    return undefined;
  }
}

async function compile(source: Source): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (!isResponse(source)) return WebAssembly.compile(source);
  // streaming needs the media type application/wasm, which not every server sends
  const streams = source.headers.get('content-type')?.startsWith('application/wasm');
  return streams ? WebAssembly.compileStreaming(source) : WebAssembly.compile(await source.arrayBuffer());
}

/** The relaxed kernels' `run`, or why there is none. */
async function relaxedRun(
  info: ModelInfo,
  module: WebAssembly.Module,
  baseline: WebAssembly.Exports,
): Promise<((...sizes: number[]) => void) | string> {
  if (info.relaxed === 'none') return 'this model has no relaxed SIMD kernels';
  const mask = info.relaxed === 'dot' ? probeRelaxedDot() : 0;
  if (mask === undefined) return 'the relaxed SIMD dot product of this machine is missing or not exact';
  const [section] = WebAssembly.Module.customSections(module, 'qc.relaxed');
  if (!section) return 'the module has lost its section "qc.relaxed"';
  try {
    const relaxed = await WebAssembly.compile(section);
    const instance = await WebAssembly.instantiate(relaxed, { qc: { ...baseline, mask } });
    return instance.exports.run as (...sizes: number[]) => void;
  } catch (error) {
    return `the relaxed SIMD kernels could not be compiled here (${error instanceof Error ? error.message : error})`;
  }
}

type Sizes = Map<string, number>;

const sizeFunctions: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '*': (a, b) => a * b,
  floordiv: (a, b) => Math.floor(a / b),
  mod: (a, b) => ((a % b) + b) % b,
  min: Math.min,
  max: Math.max,
};

function sizeIn(size: Size, sizes: Sizes): number {
  if (typeof size === 'number') return size;
  if (typeof size === 'string') return sizes.get(size) as number;
  const [name, a, b] = size;
  return (sizeFunctions[name] as (a: number, b: number) => number)(sizeIn(a, sizes), sizeIn(b, sizes));
}

/** Elements of a tensor for given sizes. */
function lengthIn({ length, sizes: shape }: TensorInfo, sizes: Sizes): number {
  return shape ? shape.reduce<number>((n, size) => n * sizeIn(size, sizes), 1) : length;
}

function symbolsIn(size: Size): string[] {
  if (typeof size === 'string') return [size];
  return typeof size === 'number' ? [] : [...symbolsIn(size[1]), ...symbolsIn(size[2])];
}

/** Finds the size of `symbol` with which a tensor has so many elements; more of it never means fewer elements. */
function sizeFor(role: string, info: TensorInfo, symbol: SymbolInfo, length: number, sizes: Sizes): number {
  const lengthAt = (value: number) => lengthIn(info, new Map(sizes).set(symbol.name, value));
  let [low, high] = [symbol.min, symbol.max];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (lengthAt(middle) < length) low = middle + 1;
    else high = middle;
  }
  if (lengthAt(low) === length) return low;
  throw new RangeError(
    `${role} ${JSON.stringify(info.name)} has ${length} elements; its shape ${info.shape.join('×')} has none such for ${symbol.name} from ${symbol.min} to ${symbol.max}`,
  );
}

/** What the caller says and the lengths of the inputs tell about the sizes of one run. */
function sizesOf(
  info: ModelInfo,
  kept: Sizes,
  told: Readonly<Record<string, number>>,
  given: Readonly<Tensors>,
): Sizes {
  const sizes: Sizes = new Map(kept);
  const open = info.symbols.filter(({ name }) => !kept.has(name));
  for (const [name, size] of Object.entries(told)) {
    const symbol = open.find((one) => one.name === name);
    if (!symbol) throw new TypeError(`there is no size ${JSON.stringify(name)} to be chosen`);
    if (!(Number.isInteger(size) && size >= symbol.min && size <= symbol.max)) {
      throw new RangeError(`the size ${name} is ${size}; it may be ${symbol.min} to ${symbol.max}`);
    }
    sizes.set(name, size);
  }
  for (let before = -1; before < sizes.size; ) {
    before = sizes.size;
    for (const one of info.inputs) {
      const data = given[one.name];
      const missing = new Set((one.sizes ?? []).flatMap(symbolsIn).filter((name) => !sizes.has(name)));
      const [name] = missing;
      const symbol = open.find((each) => each.name === name);
      if (data && symbol && missing.size === 1)
        sizes.set(symbol.name, sizeFor('input', one, symbol, data.length, sizes));
    }
  }
  const unknown = open.filter(({ name }) => !sizes.has(name)).map(({ name }) => name);
  if (unknown.length === 0) return sizes;
  throw new TypeError(
    `the lengths of the inputs do not tell ${unknown.join(', ')}: say it, as in { sizes: { ${unknown.map((name) => `${JSON.stringify(name)}: …`).join(', ')} } }`,
  );
}

/** The sizes of growing states that are given; those that share a size with them must be given too. */
function grownSizes(info: ModelInfo, kept: Sizes, loaded: readonly TensorInfo[], given: Readonly<Tensors>): Sizes {
  const sizes: Sizes = new Map(kept);
  for (const symbol of info.symbols) {
    const shares = (one: TensorInfo) => (one.sizes ?? []).some((size) => symbolsIn(size).includes(symbol.name));
    const first = loaded.find(shares);
    if (symbol.next === undefined || !first) continue;
    sizes.set(symbol.name, sizeFor('state', first, symbol, (given[first.name] as Data).length, sizes));
    const missing = info.states.find((one) => shares(one) && !loaded.includes(one));
    if (!missing || sizes.get(symbol.name) === kept.get(symbol.name)) continue;
    throw new TypeError(
      `state ${JSON.stringify(missing.name)} is missing: it grows with ${JSON.stringify(first.name)}, which has another size now`,
    );
  }
  return sizes;
}

/** Calls `visit` with the place in memory of each element and its row-major index, where the two differ. */
function forEachPlace(
  { sizes, order, shape }: TensorInfo,
  symbols: Sizes,
  visit: (place: number, index: number) => void,
): void {
  if (!order) return;
  const extents = (sizes ?? (shape as readonly number[])).map((size) => sizeIn(size, symbols));
  const steps: number[] = [];
  let count = 1;
  for (const axis of order.toReversed()) {
    steps[axis] = count;
    count *= extents[axis] as number;
  }
  const walk = (axis: number, place: number, index: number): void => {
    if (axis === extents.length) {
      visit(place, index);
      return;
    }
    const extent = extents[axis] as number;
    for (let i = 0; i < extent; i++) walk(axis + 1, place + i * (steps[axis] as number), index * extent + i);
  };
  walk(0, 0, 0);
}

function makeModel(
  info: ModelInfo,
  memory: WebAssembly.Memory,
  simd: Model['simd'],
  start: (...sizes: number[]) => void,
): Model {
  /** Sizes that the model keeps, and runs until they have grown beyond their bounds. */
  const kept: Sizes = new Map();
  const forget = () => {
    for (const { name, min, next } of info.symbols) if (next !== undefined) kept.set(name, min);
  };
  forget();
  const execute = (sizes: Sizes) => {
    const grown = info.symbols.flatMap(({ name, max, next }): [string, number][] => {
      if (next === undefined) return [];
      const size = sizeIn(next, sizes);
      if (size <= max) return [[name, size]];
      throw new RangeError(
        `the state is full: ${name} would be ${size}, and it may be ${max} at most; reset() begins anew`,
      );
    });
    start(...info.symbols.map(({ name }) => sizes.get(name) as number));
    for (const [name, size] of grown) kept.set(name, size);
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
      sizes: info.symbols.map(({ name, min, max, next }) => ({ name, min, max, grows: next !== undefined })),
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
      return Object.fromEntries(kept);
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
        if (Object.hasOwn(into, one.name)) check('output', one, into[one.name], lengthIn(one, sizes));
      }
      for (const { name } of info.inputs) inputs[name]?.set(given[name] as never);
      execute(sizes);
      const results = info.outputs.map((one): [string, Data] => {
        const { name } = one;
        const result = (outputs[name] as Data).subarray(0, lengthIn(one, sizes));
        const own = Object.hasOwn(into, name) ? into[name] : undefined;
        if (!own) return [name, result.slice()];
        own.set(result as never);
        return [name, own];
      });
      return Object.fromEntries(results);
    },
  };
}

/** Loads a model. Rejects when it can't be read or compiled, or when the instructions asked for are not there. */
export async function instantiate(info: ModelInfo, defaults: Defaults, options: LoadOptions = {}): Promise<Model> {
  const { simd = 'auto' } = options;
  if (!['auto', 'baseline', 'relaxed'].includes(simd)) {
    throw new TypeError(`simd must be "auto", "baseline" or "relaxed", not ${JSON.stringify(simd)}`);
  }
  const file = (source: URL | Uint8Array<ArrayBuffer>) => (source instanceof URL ? fetchFile(source) : source);
  const module = await compile(await (options.wasm ?? file(defaults.wasm())));
  const { exports } = await WebAssembly.instantiate(module);
  const memory = exports.memory as WebAssembly.Memory;
  if (info.weights.external) {
    const weights = await bytesOf(await (options.weights ?? file(defaults.weights())));
    if (weights.byteLength !== info.weights.bytes) {
      throw new RangeError(`the weights have ${weights.byteLength} bytes; the model needs ${info.weights.bytes}`);
    }
    new Uint8Array(memory.buffer).set(weights, info.weights.address);
  }
  const relaxed = simd === 'baseline' ? 'not asked for' : await relaxedRun(info, module, exports);
  if (typeof relaxed === 'function') return makeModel(info, memory, 'relaxed', relaxed);
  if (simd === 'relaxed') throw new Error(`relaxed SIMD can't be used: ${relaxed}`);
  return makeModel(info, memory, 'baseline', exports.run as (...sizes: number[]) => void);
}
