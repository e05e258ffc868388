import { webgpuRuntime } from '../../runtime-strings/webgpu.ts';
import type { Module } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { TypedArray } from '../../src/support/tensor.ts';
import { importText } from '../importText.ts';
import type { ModelSignature } from '../typings.ts';
import { compileWgsl, type ModelInfo } from './emit.ts';

type Tensors = Readonly<Record<string, TypedArray>>;
type Ports = Readonly<Record<string, TypedArray | GPUBuffer>>;

/** A device, and the WebGPU that it came from, which some hosts take away when nothing holds it. */
export interface GpuHost {
  readonly gpu: GPU;
  readonly device: GPUDevice;
}

/** A model on a device. */
export interface WgslModel {
  readonly signature: ModelSignature;
  /** Rejects with a TypeError or RangeError that names the input or output that doesn't fit, and on a lost device. */
  run(inputs: Ports, options?: { readonly into?: Ports }): Promise<Record<string, TypedArray>>;
  reset(): void;
  saveState(): Promise<Record<string, TypedArray>>;
  loadState(states: Tensors): void;
  readonly launches: number;
  encodeLaunch(pass: GPUComputePassEncoder, launch: number): void;
  destroy(): void;
}

interface LoadOptions {
  readonly shader: string;
  readonly weights: Uint8Array;
  readonly languageFeatures: GPU['wgslLanguageFeatures'];
}

interface Runtime {
  instantiate(info: ModelInfo, defaults: object, device: GPUDevice, options: LoadOptions): Promise<WgslModel>;
}

let loaded: Promise<Runtime> | undefined;

/** The runtime that artifacts hold, as a module of this process. */
function loadRuntime(): Promise<Runtime> {
  loaded ??= importText(`${webgpuRuntime}\nexport { instantiate };`) as Promise<Runtime>;
  return loaded;
}

/** Compiles a planned module and puts it on a device. */
export async function runWgsl(module: Module, { gpu, device }: GpuHost): Promise<WgslModel> {
  const { program, shader, info } = compileWgsl(module);
  const runtime = await loadRuntime();
  return runtime.instantiate(info, {}, device, {
    shader,
    weights: program.weights,
    languageFeatures: gpu.wgslLanguageFeatures,
  });
}

/** Puts the model of an artifact's files on a device. */
export async function instantiateWgsl(
  files: ReadonlyMap<string, Uint8Array>,
  { gpu, device }: GpuHost,
): Promise<WgslModel> {
  const named = (ending: string) => [...files].find(([path]) => path.endsWith(ending))?.[1];
  const [script, shader] = [named('.js'), named('.wgsl')];
  invariant(script && shader, 'the artifact has a script and a shader');
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const { load } = (await importText(text(script))) as {
    load(device: GPUDevice, options: LoadOptions): Promise<WgslModel>;
  };
  const weights = named('.bin') ?? new Uint8Array(0);
  return load(device, { shader: text(shader), weights, languageFeatures: gpu.wgslLanguageFeatures });
}
