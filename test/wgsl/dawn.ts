import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { gapBytes, readSimtProgram } from '../../backends/clike/simtProgram.ts';
import { type GpuHost, runWgsl } from '../../backends/wgsl/host.ts';
import { openDevice } from '../../src/cli/host/webgpu.ts';
import type { Module } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { gapsOf } from '../differential/gaps.ts';
import { outputTypes } from '../differential/run.ts';

/** Where `npm test` puts a Vulkan driver that computes on the CPU. */
const driver = join(fileURLToPath(new URL('../../.cache/swiftshader/', import.meta.url)), 'vk_swiftshader_icd.json');
if (process.env.VK_ICD_FILENAMES === undefined && existsSync(driver)) process.env.VK_ICD_FILENAMES = driver;

let opened: Promise<GpuHost> | undefined;

/** One device for all tests of a file. */
export function device(): Promise<GpuHost> {
  opened ??= openDevice();
  return opened;
}

/** Why nothing can run on WebGPU here, for the names of skipped tests; empty when it can. */
export const missingWebGpu = await device().then(
  () => '',
  (error: Error) => ` (skipped: ${error.message.split('\n')[0]})`,
);

const canary = 0xa5;

/** Runs a planned module once on the device, and looks whether it wrote behind its inputs and outputs. */
export async function runOnDawn(module: Module, inputs: readonly HostTensor[]): Promise<HostTensor[]> {
  const host = await device();
  const program = readSimtProgram(module);
  const gaps = gapsOf(program);
  const { model, memory } = await withMemory(host, () => runWgsl(module, host));
  for (const gap of gaps) host.device.queue.writeBuffer(memory, gap, new Uint8Array(gapBytes).fill(canary));
  const names = module.main.body.args.map((arg) => arg.name ?? '');
  const outputs = await model.run(Object.fromEntries(inputs.map((x, i) => [names[i], x.data])));
  for (const gap of gaps)
    expect([...new Set(await bytesAt(host, memory, gap))], 'written behind its end').toEqual([canary]);
  model.destroy();
  return outputTypes(module).map(({ dtype, shape }, i) => {
    const data = outputs[module.main.resultNames[i] as string] as HostTensor['data'];
    return { dtype, shape, data };
  });
}

/** A model, and the buffer that it makes first: its memory. */
async function withMemory<M>(
  { device: gpu }: GpuHost,
  load: () => Promise<M>,
): Promise<{ model: M; memory: GPUBuffer }> {
  const made: GPUBuffer[] = [];
  const original = gpu.createBuffer.bind(gpu);
  gpu.createBuffer = (descriptor) => {
    made.push(original(descriptor));
    return made.at(-1) as GPUBuffer;
  };
  const model = await load();
  gpu.createBuffer = original;
  return { model, memory: made[0] as GPUBuffer };
}

async function bytesAt({ device: gpu }: GpuHost, memory: GPUBuffer, at: number): Promise<Uint8Array> {
  const staging = gpu.createBuffer({ size: gapBytes, usage: 9 });
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(memory, at, staging, 0, gapBytes);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  return new Uint8Array(staging.getMappedRange().slice(0));
}
