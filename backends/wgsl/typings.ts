import type { SimtProgram } from '../clike/simtProgram.ts';
import { signatureProperty, tensorInterface } from '../typings.ts';

const stateMethods = [
  '  /** Sets every state to zero, as after `load`. */',
  '  reset(): void;',
  '  /** Copies of the states as they are now. */',
  '  saveState(): Promise<States>;',
  '  /** Sets the states that are given, such as those that `saveState` gave. */',
  '  loadState(states: Readonly<Partial<States>>): void;',
];

/** Type declarations of a compiled model: names, array types and shapes of its inputs and outputs. */
export function modelTypings({ inputs, outputs, states }: SimtProgram): string {
  return [
    '/// <reference types="@webgpu/types" />',
    '',
    ...tensorInterface('Inputs', 'What the model takes.', inputs),
    ...tensorInterface('Outputs', 'What the model gives.', outputs),
    ...(states.length > 0 ? tensorInterface('States', 'What the model keeps between runs.', states) : []),
    '/** Arrays are copied to or from the device; buffers of the device stay there. */',
    'type OrBuffer<T> = { [K in keyof T]: T[K] | GPUBuffer };',
    '',
    'export interface Model {',
    ...signatureProperty({ inputs, outputs, states }, []),
    '  readonly device: GPUDevice;',
    '  /** Runs on arrays or buffers and gives the outputs as fresh arrays. Rejects when the device was lost. */',
    '  run(inputs: Readonly<OrBuffer<Inputs>>): Promise<Outputs>;',
    '  /** As above, with outputs in what `into` gives: a buffer is written on the device, and not read back. */',
    '  run(inputs: Readonly<OrBuffer<Inputs>>, options: { into: Partial<OrBuffer<Outputs>> }): Promise<OrBuffer<Outputs>>;',
    ...(states.length > 0 ? stateMethods : []),
    '  /** How many kernels a run launches. */',
    '  readonly launches: number;',
    "  /** Adds one launch to a pass of the caller's own, on the inputs of the last run: for profilers. */",
    '  encodeLaunch(pass: GPUComputePassEncoder, launch: number): void;',
    "  /** Gives the model's memory on the device back. */",
    '  destroy(): void;',
    '}',
    '',
    'export interface LoadOptions {',
    '  /** The weights; by default the file beside the module, written to the device as it arrives. */',
    '  weights?: BufferSource | Response | Promise<BufferSource | Response>;',
    '  /** The text of the shader; by default the file beside the module. */',
    '  shader?: string | Promise<string>;',
    "  /** What the language of the device's shaders has; by default that of `navigator.gpu`. */",
    '  languageFeatures?: { has(feature: string): boolean };',
    '}',
    '',
    '/** Puts the model on a device; without one, on a device of its own with as much room as it needs. */',
    'export function load(device?: GPUDevice, options?: LoadOptions): Promise<Model>;',
    '',
  ].join('\n');
}
