import { instantiateWasm } from '../../backends/wasm/host.ts';
import { instantiateWgsl } from '../../backends/wgsl/host.ts';
import type { Decoder } from '../../runtime/generate.ts';
import { loadArtifact } from './artifactFile.ts';

/** A decoder that is ready to run, and what gives its memory or its process back. */
export interface OpenDecoder {
  readonly decoder: Decoder;
  close(): void | Promise<void>;
}

/** Loads an artifact of any target for many runs. @throws QcError when it cannot run here */
export async function openDecoder(path: string): Promise<OpenDecoder> {
  const { manifest, files } = loadArtifact(path);
  if (manifest.target === 'wasm') return { decoder: await instantiateWasm(files), close() {} };
  const { openDevice } = await import('./host/webgpu.ts');
  const host = await openDevice();
  return { decoder: await instantiateWgsl(files, host), close: () => host.device.destroy() };
}
