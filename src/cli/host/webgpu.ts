import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import type { GpuHost } from '../../../backends/wgsl/host.ts';
import { QcError } from '../../support/diagnostics.ts';

/** What the package `webgpu` gives: Dawn, the WebGPU of Chromium, in Node. */
interface Dawn {
  create(options: string[]): GPU;
}

/** What Dawn has given: it ends, and the process with it, when nothing holds it any more. */
const held: GPU[] = [];

/** Keeps a library in the process after the loader has found out that it is no module of Node. */
const keepLoaded = 0x1000;

/** Beside the driver that VK_ICD_FILENAMES names there may be the Vulkan loader that Dawn looks for by its name. */
function loadVulkan(): void {
  const driver = process.env.VK_ICD_FILENAMES;
  const library = driver && join(dirname(driver), 'libvulkan.so.1');
  if (!library || !existsSync(library)) return;
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | keepLoaded);
  } catch {
    // it is no module, and is loaded now
  }
}

async function loadDawn(): Promise<Dawn> {
  try {
    return (await import('webgpu')) as unknown as Dawn;
  } catch {
    throw new QcError({
      what: 'WebGPU is missing',
      why: 'Node has none of its own: it comes with the npm package webgpu',
      help: 'npm install webgpu',
    });
  }
}

/** An adapter of this machine; `backend=null` checks shaders and computes nothing. @throws QcError when there is none */
export async function openAdapter(
  options: readonly string[] = [],
): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter }> {
  loadVulkan();
  const gpu = (await loadDawn()).create([...options]);
  held.push(gpu);
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter) return { gpu, adapter };
  throw new QcError({
    what: 'WebGPU finds no adapter on this machine',
    why: 'there is no driver for Vulkan that it can use',
    help: "install one, or set VK_ICD_FILENAMES to the vk_swiftshader_icd.json of Debian's chromium-common",
  });
}

/** Dawn rounds timestamps to 0.1 ms unless it is told not to. */
export const exactTimestamps = ['disable-dawn-features=timestamp_quantization'] as const;

/** A device with the adapter's own limits for buffers, and timestamps and 16-bit floats where it has them. @throws QcError when there is none */
export async function openDevice(options: readonly string[] = []): Promise<GpuHost> {
  const { gpu, adapter } = await openAdapter(options);
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const requiredFeatures = (['timestamp-query', 'shader-f16'] as const).filter((feature) =>
    adapter.features.has(feature),
  );
  const requiredLimits = { maxStorageBufferBindingSize, maxBufferSize };
  return { gpu, device: await adapter.requestDevice({ requiredFeatures, requiredLimits }) };
}
