import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GpuHost, runWgsl } from '../../backends/wgsl/host.ts';
import { openDevice } from '../../src/cli/host/webgpu.ts';
import type { Module } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
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

/** Runs a planned module once on the device. */
export async function runOnDawn(module: Module, inputs: readonly HostTensor[]): Promise<HostTensor[]> {
  const model = await runWgsl(module, await device());
  const names = module.main.body.args.map((arg) => arg.name ?? '');
  const outputs = await model.run(Object.fromEntries(inputs.map((x, i) => [names[i], x.data])));
  model.destroy();
  return outputTypes(module).map(({ dtype, shape }, i) => {
    const data = outputs[module.main.resultNames[i] as string] as HostTensor['data'];
    return { dtype, shape, data };
  });
}
