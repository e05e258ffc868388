import type { CSignature } from '../../backends/c/signature.ts';
import { isChosen, isFound } from '../../backends/c/sizes.ts';
import { instantiateWasm } from '../../backends/wasm/host.ts';
import { instantiateWgsl } from '../../backends/wgsl/host.ts';
import type { Decoder } from '../../runtime/generate.ts';
import type { Tensors } from '../../runtime/tensors.ts';
import type { Signature, TensorSignature } from '../api/signature.ts';
import { invariant, QcError } from '../support/diagnostics.ts';
import type { HostTensor, TypedArray } from '../support/tensor.ts';
import { loadArtifact } from './artifactFile.ts';

/** A decoder that is ready to run, and what gives its memory or its process back. */
export interface OpenDecoder {
  readonly decoder: Decoder;
  close(): void | Promise<void>;
}

/** Loads an artifact of any target for many runs. @throws QcError when it cannot run here */
export async function openDecoder(path: string): Promise<OpenDecoder> {
  const { manifest, files } = loadArtifact(path);
  switch (manifest.target) {
    case 'wasm':
      return { decoder: await instantiateWasm(files), close() {} };
    case 'c':
      invariant(manifest.c, 'the manifest of a C artifact describes its functions');
      return openC(files, manifest.c, manifest.signature);
    case 'cuda':
      throw new QcError({
        what: 'a CUDA artifact cannot generate text here',
        why: 'it has no program that stays loaded between runs',
        help: 'compile the model with --target wasm or c',
      });
    case 'wgsl': {
      const { openDevice } = await import('./host/webgpu.ts');
      const host = await openDevice();
      return { decoder: await instantiateWgsl(files, host), close: () => host.device.destroy() };
    }
  }
}

async function openC(
  files: ReadonlyMap<string, Uint8Array>,
  c: CSignature,
  signature: Signature,
): Promise<OpenDecoder> {
  const { startC } = await import('./host/cProcess.ts');
  const process = startC({ files, signature: c });
  const { inputs, outputs, states = [] } = signature;
  return {
    decoder: {
      signature: {
        inputs,
        outputs,
        states,
        sizes: c.sizes
          .filter((size) => !isFound(size))
          .map((size) => ({ name: size.name, min: size.min, max: size.max, grows: !isChosen(size) })),
      },
      async run(given) {
        const tensors = inputs.map((input) => shaped(input, (given as Tensors)[input.name] as TypedArray));
        const results = await process.run(tensors);
        return Object.fromEntries(outputs.map(({ name }, i) => [name, results[i]?.data]));
      },
      reset: () => process.restart(),
    },
    close: () => process.close(),
  };
}

/** An input of one sequence: what its length leaves open is its last axis. */
function shaped({ dtype, shape }: TensorSignature, data: TypedArray): HostTensor {
  return { dtype, shape: shape.map((size) => (typeof size === 'number' ? size : data.length)), data };
}
