import { instantiateWasm, type WasmModel } from '../../backends/wasm/host.ts';
import { type GpuHost, instantiateWgsl } from '../../backends/wgsl/host.ts';
import { type Size, sizeIn } from '../ir/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import type { HostTensor, TypedArray } from '../support/tensor.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { type Growth, growthsOf, type Signature, type TensorSignature } from './signature.ts';

/** A compiled model that runs in this process. */
export interface Program {
  /** Runs once. @throws QcError when an input is missing, unknown, or of another type or shape */
  run(inputs: Readonly<Record<string, HostTensor>>): Record<string, HostTensor>;
  /** Sets every state to zero, as after loading. */
  reset(): void;
  /** Copies of the states, by the names of their inputs. */
  saveState(): Record<string, HostTensor>;
  /** Sets the states that are given. @throws QcError when one is unknown, or of another type or shape */
  loadState(states: Readonly<Record<string, HostTensor>>): void;
}

/** An artifact that runs in this process. */
export interface Instance extends Program {
  readonly manifest: Manifest;
  /** Ends the threads of an artifact that was compiled for them; it can't run any more. */
  close(): void;
}

export interface InstantiateOptions {
  /** Which instructions a wasm artifact uses; default `auto`: relaxed SIMD where this machine's is exact. */
  readonly simd?: 'auto' | 'baseline' | 'relaxed';
  /** How many threads run an artifact that was compiled for threads; default `auto`: one for each processor, at most 8. */
  readonly threads?: 'auto' | number;
}

/**
 * Loads an artifact's files, `manifest.json` among them, in this process.
 *
 * @throws QcError for a target that cannot run here
 */
export async function instantiate(
  files: ReadonlyMap<string, Uint8Array>,
  options: InstantiateOptions = {},
): Promise<Instance> {
  const manifest = readManifest(files.get('manifest.json') ?? new Uint8Array(0), 'manifest.json');
  if (manifest.target !== 'wasm') {
    const isWgsl = manifest.target === 'wgsl';
    throw new QcError({
      what: `an artifact of the target ${manifest.target} cannot run in this process`,
      why: isWgsl ? 'it needs a device' : 'it is source code for another compiler',
      help: isWgsl ? 'use instantiateOnDevice' : 'use qc run, which calls a compiler of this machine',
    });
  }
  const model = await instantiateWasm(files, options);
  return { manifest, ...programOf(model, manifest.signature), close: () => model.close?.() };
}

/** An artifact that runs on a device of WebGPU. */
export interface DeviceInstance {
  readonly manifest: Manifest;
  /** Runs once. Rejects with a QcError when an input is missing, unknown, or of another type or shape. */
  run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Sets every state to zero, as after loading. */
  reset(): void;
  /** Copies of the states, which stay on the device, by the names of their inputs. */
  saveState(): Promise<Record<string, HostTensor>>;
  /** Sets the states that are given. @throws QcError when one is unknown, or of another type or shape */
  loadState(states: Readonly<Record<string, HostTensor>>): void;
  /** Gives the memory on the device back. */
  destroy(): void;
}

/**
 * Loads an artifact's files of the target wgsl, `manifest.json` among them, on a device of WebGPU.
 *
 * @throws QcError for another target; an Error or RangeError when the device has no room for the model
 */
export async function instantiateOnDevice(
  files: ReadonlyMap<string, Uint8Array>,
  host: GpuHost,
): Promise<DeviceInstance> {
  const manifest = readManifest(files.get('manifest.json') ?? new Uint8Array(0), 'manifest.json');
  if (manifest.target !== 'wgsl') {
    throw new QcError({
      what: `an artifact of the target ${manifest.target} does not run on a device of WebGPU`,
      help: 'compile it with --target wgsl',
    });
  }
  const model = await instantiateWgsl(files, host);
  const { signature } = manifest;
  return {
    manifest,
    async run(inputs) {
      const checked = checkInputs(signature, inputs);
      const data = await model.run(Object.fromEntries(checked.map(({ name, tensor }) => [name, tensor.data])));
      return tensorsOf(signature.outputs, data);
    },
    reset: () => model.reset(),
    saveState: async () => tensorsOf(signature.states ?? [], await model.saveState()),
    loadState: (given) => model.loadState(checkStates(signature.states ?? [], given)),
    destroy: () => model.destroy(),
  };
}

function tensorsOf(
  tensors: readonly TensorSignature[],
  data: Readonly<Record<string, TypedArray>>,
  symbols: ReadonlyMap<string, number> = new Map(),
): Record<string, HostTensor> {
  return Object.fromEntries(
    tensors.map(({ name, dtype, shape, sizes = shape as Size[] }): [string, HostTensor] => [
      name,
      { dtype, shape: sizes.map((size) => sizeIn(size, symbols) ?? 0), data: data[name] as TypedArray },
    ]),
  );
}

/** A loaded model that takes and gives tensors as its signature says. */
export function programOf(model: WasmModel, signature: Signature): Program {
  const { outputs, states = [] } = signature;
  const growths = growthsOf(signature);
  return {
    run(inputs) {
      const checked = checkInputs(signature, inputs);
      const kept = Object.fromEntries(Object.entries(model.sizes).filter(([name]) => growths.has(name)));
      const symbols = sizesOf(signature, checked, kept);
      checkRoom(growths, symbols);
      const sizes = Object.fromEntries([...symbols].filter(([name]) => !growths.has(name)));
      const data = Object.fromEntries(checked.map(({ name, tensor }) => [name, tensor.data]));
      const results = model.run(data, { sizes });
      const found = Object.entries(model.sizes).filter(([name]) => !growths.has(name));
      return tensorsOf(outputs, results, new Map([...symbols, ...found]));
    },
    reset: () => model.reset(),
    saveState: () => tensorsOf(states, model.saveState(), new Map(Object.entries(model.sizes))),
    loadState: (given) => model.loadState(checkStates(states, given)),
  };
}

/** The inputs of a run in the order of the signature. @throws QcError when one is missing, unknown or does not fit */
export function checkInputs(
  signature: Signature,
  given: Readonly<Record<string, HostTensor>>,
): { readonly name: string; readonly tensor: HostTensor }[] {
  const kept = signature.states?.find(({ name }) => Object.hasOwn(given, name));
  if (kept) {
    throw new QcError({
      what: `'${kept.name}' is a state of the program`,
      why: 'it is kept between runs, and is no input',
      help: 'leave it out, or set it with loadState',
    });
  }
  checkKnown('input', signature.inputs, given);
  return signature.inputs.map((input) => ({
    name: input.name,
    tensor: checkTensor('input', input, given[input.name]),
  }));
}

/** The symbols' values by the shapes of the inputs. @throws QcError when shapes contradict each other or leave bounds */
function sizesOf(
  signature: Signature,
  inputs: readonly { readonly name: string; readonly tensor: HostTensor }[],
  kept: Readonly<Record<string, number>>,
): Map<string, number> {
  const symbols = new Map(Object.entries(kept));
  const { inputs: expected, symbols: bounds = {} } = signature;
  inputs.forEach(({ tensor }, i) => {
    expected[i]?.sizes?.forEach((size, axis) => {
      if (typeof size === 'string' && !symbols.has(size)) symbols.set(size, tensor.shape[axis] as number);
    });
  });
  for (const [name, { min, max }] of Object.entries(bounds)) {
    const size = symbols.get(name);
    if (name in kept || size === undefined || (size >= min && size <= max)) continue;
    throw new QcError({
      what: `the size ${name} is ${size}`,
      where: inputs.map(({ name: input, tensor }) => `${input}: [${tensor.shape.join(', ')}]`).join(', '),
      why: `the program was planned for ${min} to ${max}`,
      help: `give inputs of another size, or compile with --dim ${name}=LOW..HIGH`,
    });
  }
  inputs.forEach(({ name, tensor }, i) => {
    const { sizes, shape } = expected[i] as TensorSignature;
    const known = sizes?.map((size) => sizeIn(size, symbols));
    if (!known || known.every((size, axis) => size === undefined || size === tensor.shape[axis])) return;
    throw new QcError({
      what: `the input '${name}' has the shape [${tensor.shape.join(', ')}]`,
      why: `it is [${shape.join(', ')}], here [${known.map((size) => size ?? '?').join(', ')}]`,
      help: 'give inputs whose sizes fit together',
    });
  });
  return symbols;
}

/** @throws QcError when a run would take a growing state beyond the most that it may hold */
function checkRoom(growths: ReadonlyMap<string, Growth>, symbols: ReadonlyMap<string, number>): void {
  for (const [name, { next, max }] of growths) {
    const size = sizeIn(next, symbols);
    if (size === undefined || size <= max) continue;
    throw new QcError({
      what: `the state is full: ${name} is ${symbols.get(name)}, and this run would make it ${size}`,
      why: `the program was compiled for ${max}`,
      help: 'begin anew with reset(), or compile with a larger max',
    });
  }
}

type Role = 'input' | 'state';

/** @throws QcError for a name that none of the tensors has */
function checkKnown(
  role: Role,
  tensors: readonly TensorSignature[],
  given: Readonly<Record<string, HostTensor>>,
): void {
  const names = tensors.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const near = didYouMean(unknown, names);
  throw new QcError({
    what: `the model has no ${role} '${unknown}'`,
    why: names.length > 0 ? `its ${role}s are ${names.join(', ')}` : `it has no ${role}s`,
    help: near ? `did you mean '${near}'?` : undefined,
  });
}

/** The data of the states that are given. @throws QcError when one is unknown or does not fit */
function checkStates(
  states: readonly TensorSignature[],
  given: Readonly<Record<string, HostTensor>>,
): Record<string, TypedArray> {
  checkKnown('state', states, given);
  const set = states.filter(({ name }) => given[name]);
  return Object.fromEntries(set.map((state) => [state.name, checkTensor('state', state, given[state.name]).data]));
}

function checkTensor(role: Role, { name, dtype, shape }: TensorSignature, tensor: HostTensor | undefined): HostTensor {
  const needs = `the model needs ${dtype} of shape [${shape.join(', ')}]`;
  const help = `give the ${role} as the model takes it`;
  if (!tensor) throw new QcError({ what: `the ${role} '${name}' is missing`, why: needs, help: `give every ${role}` });
  if (tensor.dtype !== dtype) {
    throw new QcError({ what: `the ${role} '${name}' has elements of ${tensor.dtype}`, why: needs, help });
  }
  const fits = shape.every((size, axis) => typeof size === 'string' || size === tensor.shape[axis]);
  if (fits && tensor.shape.length === shape.length) return tensor;
  throw new QcError({ what: `the ${role} '${name}' has the shape [${tensor.shape.join(', ')}]`, why: needs, help });
}
