/** The runtime of a compiled model in WGSL: puts it on a device, and runs it there. */

import {
  arrayType,
  bytesOf,
  check,
  checkNames,
  type Data,
  describe,
  fetchFile,
  isResponse,
  type ModelSignature,
  type TensorInfo,
  type Tensors,
} from './tensors.ts';

/** One dispatch: the number of its kernel, its groups of invocations, and the first words of its buffers. */
export type LaunchInfo = readonly [kernel: number, workgroups: number, ...places: number[]];

/** A text of the shader, and what to put there where `feature`, of the device or of its language, is there or not. */
export interface Exchange {
  readonly feature: string;
  readonly has: boolean;
  readonly from: string;
  readonly to: string;
}

/** What the compiler says about a model. Addresses are bytes into the model's memory. */
export interface ModelInfo {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** What stays in the memory between runs, by the names of the inputs that it stands for. */
  readonly states: readonly TensorInfo[];
  readonly memoryBytes: number;
  readonly weightsBytes: number;
  /** Entry points of the shader module. */
  readonly kernels: readonly string[];
  readonly launches: readonly LaunchInfo[];
  /** What of the shader is written otherwise on devices that have a feature, or lack it. */
  readonly exchanges: readonly Exchange[];
}

export interface LoadOptions {
  /** The weights; by default fetched from beside this file. */
  readonly weights?: BufferSource | Response | Promise<BufferSource | Response>;
  /** The shader; by default fetched from beside this file. */
  readonly shader?: string | Promise<string>;
  /** What the language of the device's shaders has; by default that of `navigator.gpu`. */
  readonly languageFeatures?: { has(feature: string): boolean };
}

/** Where a model's files are when the caller names none. */
export interface Defaults {
  readonly shader: () => URL;
  readonly weights: () => URL;
}

/** Arrays are copied to and from the device; buffers stay there. */
type Ports = Record<string, Data | GPUBuffer>;

/** A model on a device. */
export interface Model {
  readonly signature: ModelSignature;
  readonly device: GPUDevice;
  /**
   * Runs on arrays or buffers of the device. The outputs are fresh arrays, or what `into` gives: a buffer there is
   * written on the device, and nothing is read back for it.
   */
  run(inputs: Readonly<Ports>, options?: { readonly into?: Partial<Ports> }): Promise<Ports>;
  /** Sets every state to zero, as after loading. */
  reset(): void;
  /** Copies of the states as they are now. */
  saveState(): Promise<Tensors>;
  /** Sets the states that are given, such as those that `saveState` gave. */
  loadState(states: Readonly<Tensors>): void;
  /** How many kernels a run launches. */
  readonly launches: number;
  /** Adds one launch to a pass of the caller's own, on the inputs of the last run: for profilers. */
  encodeLaunch(pass: GPUComputePassEncoder, launch: number): void;
  /** Gives the model's memory on the device back. */
  destroy(): void;
}

/** Bytes from one launch's places to the next one's: what every device takes as a dynamic offset. */
const placesStride = 256;
/** The most groups along one axis of a dispatch. */
const widestDispatch = 65535;

const padded = (bytes: number) => Math.max(16, Math.ceil(bytes / 4) * 4);
const isBuffer = (data: unknown): data is GPUBuffer =>
  typeof data === 'object' && data !== null && 'mapAsync' in data && 'usage' in data;
const usages = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

/** Throws when the device cannot hold the model, and says what is missing by how much. */
function checkLimits(info: ModelInfo, { limits }: GPUDevice): void {
  const needs: [what: string, bytes: number][] = [
    ['memory', padded(info.memoryBytes)],
    ['weights', padded(info.weightsBytes)],
  ];
  for (const [what, bytes] of needs) {
    for (const name of ['maxStorageBufferBindingSize', 'maxBufferSize'] as const) {
      if (bytes <= limits[name]) continue;
      throw new RangeError(
        `the model's ${what} takes ${bytes} bytes, ${bytes - limits[name]} more than this device's ${name} of ${limits[name]}: ` +
          `ask for it with requestDevice({ requiredLimits: { ${name}: ${bytes} } }) where the adapter has it`,
      );
    }
  }
}

/** A device with room for the model, and the features that it can use. Rejects where there is no WebGPU, or none with that much room. */
export async function requestDevice(info: ModelInfo): Promise<GPUDevice> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (!gpu) throw new Error('there is no WebGPU here: navigator.gpu is missing (it needs a secure context)');
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('WebGPU found no adapter on this machine');
  const most = Math.max(padded(info.memoryBytes), padded(info.weightsBytes));
  const requiredLimits: Record<string, number> = {};
  for (const [name, usual] of [
    ['maxStorageBufferBindingSize', 2 ** 27],
    ['maxBufferSize', 2 ** 28],
  ] as const) {
    if (most <= usual) continue;
    if (most > adapter.limits[name]) {
      const [missing, limit] = [most - adapter.limits[name], adapter.limits[name]];
      throw new RangeError(
        `the model needs a buffer of ${most} bytes, ${missing} more than this adapter's ${name} of ${limit}`,
      );
    }
    requiredLimits[name] = most;
  }
  const used = info.exchanges.flatMap(({ feature, has }) => (has && adapter.features.has(feature) ? [feature] : []));
  return adapter.requestDevice({ requiredLimits, requiredFeatures: [...new Set(used)] as GPUFeatureName[] });
}

/** Writes the weights as they arrive. */
async function upload(
  source: BufferSource | Response,
  bytes: number,
  write: (at: number, data: Uint8Array) => void,
): Promise<void> {
  let at = 0;
  let rest = new Uint8Array(0);
  const put = (chunk: Uint8Array, last: boolean): void => {
    const all = new Uint8Array(rest.length + chunk.length);
    all.set(rest);
    all.set(chunk, rest.length);
    const whole = last ? Math.ceil(all.length / 4) * 4 : all.length - (all.length % 4);
    const data = new Uint8Array(whole);
    data.set(all.subarray(0, whole));
    if (whole > 0 && at + all.length <= bytes) write(at, data);
    rest = all.slice(whole);
    at += whole;
  };
  if (isResponse(source) && source.body) {
    const reader = source.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      put(value, false);
    }
    put(new Uint8Array(0), true);
  } else {
    put(await bytesOf(source), true);
  }
  if (at !== padded4(bytes)) throw new RangeError(`the weights have ${at} bytes; the model needs ${bytes}`);
}

const padded4 = (bytes: number) => Math.ceil(bytes / 4) * 4;

/** The pipelines of all kernels, made side by side. Rejects with the shader's own messages. */
async function makePipelines(device: GPUDevice, layout: GPUBindGroupLayout, code: string, kernels: readonly string[]) {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code });
  const error = await device.popErrorScope();
  if (error) throw new Error(`this device does not take the model's shader: ${error.message}`);
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  return Promise.all(
    kernels.map((entryPoint) =>
      device.createComputePipelineAsync({ layout: pipelineLayout, compute: { module, entryPoint } }),
    ),
  );
}

function layoutOf(device: GPUDevice): GPUBindGroupLayout {
  const entry = (binding: number, buffer: GPUBufferBindingLayout) => ({ binding, visibility: 4, buffer });
  return device.createBindGroupLayout({
    entries: [
      entry(0, { type: 'read-only-storage' }),
      entry(1, { type: 'storage' }),
      entry(2, { type: 'uniform', hasDynamicOffset: true, minBindingSize: placesStride }),
    ],
  });
}

/** Where the buffers of every launch begin, at multiples of `placesStride`. */
function placesOf(launches: readonly LaunchInfo[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array((Math.max(1, launches.length) * placesStride) / 4);
  launches.forEach(([, , ...places], i) => {
    words.set(places, (i * placesStride) / 4);
  });
  return words;
}

/** Puts a model on a device. Rejects when a file can't be read, or the device has no room or takes no such shader. */
export async function instantiate(
  info: ModelInfo,
  defaults: Defaults,
  device: GPUDevice,
  options: LoadOptions = {},
): Promise<Model> {
  checkLimits(info, device);
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  const features = options.languageFeatures ?? gpu?.wgslLanguageFeatures;
  const text = await (options.shader ?? readText(defaults.shader()));
  const has = (feature: string) => (features?.has(feature) ?? false) || device.features.has(feature);
  const code = info.exchanges
    .filter((one) => has(one.feature) === one.has)
    .reduce((shader, { from, to }) => shader.replace(from, () => to), text);

  const layout = layoutOf(device);
  const pipelines = await makePipelines(device, layout, code, info.kernels);
  const { storage, uniform, copySource, copyTarget, mapRead } = usages;
  const make = (bytes: number, usage: number) => device.createBuffer({ size: padded(bytes), usage });
  const memory = make(info.memoryBytes, storage | copySource | copyTarget);
  const weights = make(info.weightsBytes, storage | copyTarget);
  const words = placesOf(info.launches);
  const places = make(words.byteLength, uniform | copyTarget);
  device.queue.writeBuffer(places, 0, words);
  if (info.weightsBytes > 0) {
    const source = await (options.weights ?? fetchFile(defaults.weights()));
    await upload(source, info.weightsBytes, (at, data) => device.queue.writeBuffer(weights, at, data as BufferSource));
  }
  const group = device.createBindGroup({
    layout,
    entries: [
      { binding: 0, resource: { buffer: weights } },
      { binding: 1, resource: { buffer: memory } },
      { binding: 2, resource: { buffer: places, size: placesStride } },
    ],
  });

  let lost: GPUDeviceLostInfo | undefined;
  void device.lost.then((reason) => {
    lost = reason;
  });
  const checkDevice = (): void => {
    if (lost)
      throw new Error(`the device was lost (${lost.reason}): ${lost.message || 'load the model on another one'}`);
  };

  const write = (one: TensorInfo, data: Data): void => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.length % 4 === 0) {
      device.queue.writeBuffer(memory, one.address, bytes as BufferSource);
      return;
    }
    const whole = new Uint8Array(padded4(bytes.length));
    whole.set(bytes);
    device.queue.writeBuffer(memory, one.address, whole);
  };
  const bytesIn = (one: TensorInfo) => padded4(one.length * arrayType(one.dtype).BYTES_PER_ELEMENT);

  /** Copies tensors of the memory to where they can be read, and reads them. */
  const read = async (encoder: GPUCommandEncoder, tensors: readonly TensorInfo[]): Promise<Tensors> => {
    const total = tensors.reduce((sum, one) => sum + bytesIn(one), 0);
    const staging = total > 0 ? make(total, mapRead | copyTarget) : undefined;
    let at = 0;
    for (const one of tensors) {
      encoder.copyBufferToBuffer(memory, one.address, staging as GPUBuffer, at, bytesIn(one));
      at += bytesIn(one);
    }
    device.queue.submit([encoder.finish()]);
    if (!staging) return {};
    try {
      await staging.mapAsync(1);
    } catch (error) {
      checkDevice();
      throw error;
    }
    const all = staging.getMappedRange().slice(0);
    staging.destroy();
    let from = 0;
    const found: Tensors = {};
    for (const one of tensors) {
      found[one.name] = new (arrayType(one.dtype))(all, from, one.length).slice() as Data;
      from += bytesIn(one);
    }
    return found;
  };

  const encodeLaunch = (pass: GPUComputePassEncoder, i: number): void => {
    const [kernel, workgroups] = info.launches[i] as LaunchInfo;
    pass.setPipeline(pipelines[kernel] as GPUComputePipeline);
    pass.setBindGroup(0, group, [i * placesStride]);
    pass.dispatchWorkgroups(Math.min(workgroups, widestDispatch), Math.ceil(workgroups / widestDispatch));
  };
  const encodeLaunches = (encoder: GPUCommandEncoder): void => {
    const pass = encoder.beginComputePass();
    for (let i = 0; i < info.launches.length; i++) encodeLaunch(pass, i);
    pass.end();
  };

  const zeroStates = (): void => {
    for (const one of info.states) write(one, new (arrayType(one.dtype))(new ArrayBuffer(bytesIn(one)), 0, one.length));
  };

  const checkPort = (role: string, one: TensorInfo, data: unknown): void => {
    if (!isBuffer(data)) check(role, one, data, one.length);
    else if (data.size < bytesIn(one)) {
      throw new RangeError(
        `${role} ${JSON.stringify(one.name)} is a buffer of ${data.size} bytes; it takes ${bytesIn(one)}`,
      );
    }
  };

  return {
    signature: {
      inputs: describe(info.inputs),
      outputs: describe(info.outputs),
      states: describe(info.states),
      sizes: [],
    },
    device,
    async run(given, runOptions) {
      checkDevice();
      const into = runOptions?.into ?? {};
      checkNames('input', info.inputs, given);
      checkNames('output', info.outputs, into);
      for (const one of info.inputs) {
        if (!Object.hasOwn(given, one.name)) throw new TypeError(`input ${JSON.stringify(one.name)} is missing`);
        checkPort('input', one, given[one.name]);
      }
      for (const one of info.outputs) if (Object.hasOwn(into, one.name)) checkPort('output', one, into[one.name]);
      const encoder = device.createCommandEncoder();
      for (const one of info.inputs) {
        const data = given[one.name] as Data | GPUBuffer;
        if (isBuffer(data)) encoder.copyBufferToBuffer(data, 0, memory, one.address, bytesIn(one));
        else write(one, data);
      }
      encodeLaunches(encoder);
      const results: Ports = {};
      const wanted: TensorInfo[] = [];
      for (const one of info.outputs) {
        const target = into[one.name];
        if (isBuffer(target)) {
          encoder.copyBufferToBuffer(memory, one.address, target, 0, bytesIn(one));
          results[one.name] = target;
        } else wanted.push(one);
      }
      const arrays = await read(encoder, wanted);
      for (const { name } of wanted) {
        const own = into[name] as Data | undefined;
        own?.set(arrays[name] as never);
        results[name] = own ?? (arrays[name] as Data);
      }
      return Object.fromEntries(info.outputs.map(({ name }) => [name, results[name] as Data]));
    },
    reset: zeroStates,
    saveState: () => read(device.createCommandEncoder(), info.states),
    loadState(states) {
      checkNames('state', info.states, states);
      for (const one of info.states)
        if (Object.hasOwn(states, one.name)) check('state', one, states[one.name], one.length);
      for (const one of info.states) if (Object.hasOwn(states, one.name)) write(one, states[one.name] as Data);
    },
    launches: info.launches.length,
    encodeLaunch,
    destroy() {
      for (const buffer of [memory, weights, places]) buffer.destroy();
    },
  };
}

async function readText(url: URL): Promise<string> {
  return new TextDecoder().decode(await bytesOf(await fetchFile(url)));
}
