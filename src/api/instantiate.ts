import { instantiateWasm } from '../../backends/wasm/host.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { type Manifest, readManifest } from './manifest.ts';
import type { TensorSignature } from './signature.ts';

/** An artifact that runs in this process. */
export interface Instance {
  readonly manifest: Manifest;
  /** Runs once. @throws QcError when an input is missing, unknown, or of another type or shape */
  run(inputs: Readonly<Record<string, HostTensor>>): Record<string, HostTensor>;
}

export interface InstantiateOptions {
  /** Which instructions a wasm artifact uses; default `auto`: relaxed SIMD where this machine's is exact. */
  readonly simd?: 'auto' | 'baseline' | 'relaxed';
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
    throw new QcError({
      what: `an artifact of the target ${manifest.target} cannot run in this process`,
      why: 'it is source code for another compiler',
      help: 'use qc run, which calls the C compiler of this machine',
    });
  }
  const model = await instantiateWasm(files, options);
  const { outputs } = manifest.signature;
  return {
    manifest,
    run(inputs) {
      const checked = checkInputs(manifest, inputs);
      const results = model.run(Object.fromEntries(checked.map(({ name, tensor }) => [name, tensor.data])));
      return Object.fromEntries(
        outputs.map(({ name, dtype, shape }): [string, HostTensor] => {
          const data = results[name] as HostTensor['data'];
          return [name, { dtype, shape: shape.map(Number), data }];
        }),
      );
    },
  };
}

/** The inputs of a run in the order of the signature. @throws QcError when one is missing, unknown or does not fit */
export function checkInputs(
  { signature }: Manifest,
  given: Readonly<Record<string, HostTensor>>,
): { readonly name: string; readonly tensor: HostTensor }[] {
  const names = signature.inputs.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = didYouMean(unknown, names);
    throw new QcError({
      what: `the model has no input '${unknown}'`,
      why: `its inputs are ${names.join(', ')}`,
      help: near ? `did you mean '${near}'?` : undefined,
    });
  }
  return signature.inputs.map((input) => ({ name: input.name, tensor: checkInput(input, given[input.name]) }));
}

function checkInput({ name, dtype, shape }: TensorSignature, tensor: HostTensor | undefined): HostTensor {
  const needs = `the model needs ${dtype} of shape [${shape.join(', ')}]`;
  const help = 'give the input as the model takes it';
  if (!tensor) throw new QcError({ what: `the input '${name}' is missing`, why: needs, help: 'give every input' });
  if (tensor.dtype !== dtype) {
    throw new QcError({ what: `the input '${name}' has elements of ${tensor.dtype}`, why: needs, help });
  }
  if (tensor.shape.join() === shape.join()) return tensor;
  throw new QcError({ what: `the input '${name}' has the shape [${tensor.shape.join(', ')}]`, why: needs, help });
}
