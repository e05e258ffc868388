import { existsSync, readFileSync } from 'node:fs';
import { readNpz } from '../../src/calibrate/data/npz.ts';
import { importOnnx } from '../../src/index.ts';
import type { Module, TensorType } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

export const modelsFolder = '../shared/models';
export const hasSharedModels = existsSync(modelsFolder);

/** The shared models, those of little work first. */
export const sharedNames: readonly string[] = [
  ...['ad01_fp32', 'mnist_resnet_f', 'resnet8_cifar10', 'mbnet128_0.25_f', 'vww_96_float', 'silero_vad_16k_op15'],
  ...['blazeface_front_128', 'ultraface_RFB_320', 'vit_mnist', 'mamba_char_step', 'stories260K_kv', 'stories260K'],
  ...['llama_char_kv', 'llama_char', 'llama_char_outlier', 'ddpm_mnist', 'rxnmapper_albert', 'yolox_nano_416'],
];

/** Sizes that the structure of a shared model depends on. */
export const symbolsOf = (name: string): Readonly<Record<string, number>> =>
  name.startsWith('silero') ? { sequence: 576 } : {};

type Named = Readonly<Record<string, HostTensor>>;

/** Inputs, and what onnxruntime answers. */
export interface SharedSample {
  readonly inputs: Named;
  readonly outputs: Named;
}

const read = (path: string) => new Uint8Array(readFileSync(path));
const files = new Map<string, Uint8Array>();

/** A file beside the models, read once. */
function externalData(location: string): Uint8Array | undefined {
  const path = `${modelsFolder}/${location}`;
  if (!files.has(path) && existsSync(path)) files.set(path, read(path));
  return files.get(path);
}

const shapesOf = (inputs: Named): string => JSON.stringify(Object.values(inputs).map(({ shape }) => shape));

/** A model's samples of one shape: some come with a second sample in another batch size, which is left out. */
export function sharedSamples(name: string): readonly SharedSample[] {
  const folder = `${modelsFolder}/${name}.io`;
  const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8'));
  const samples: SharedSample[] = manifest.samples.map(
    ({ file, inputs, outputs }: Record<'inputs' | 'outputs', { name: string; key: string }[]> & { file: string }) => {
      const arrays = readNpz(read(`${folder}/${file}`), file);
      const named = (list: { name: string; key: string }[]) =>
        Object.fromEntries(list.map((one) => [one.name, arrays.get(one.key) as HostTensor]));
      return { inputs: named(inputs), outputs: named(outputs) };
    },
  );
  const [first] = samples as [SharedSample];
  return samples.filter(({ inputs }) => shapesOf(inputs) === shapesOf(first.inputs));
}

/** A shared model; `symbols` fixes sizes that its structure depends on. */
export function sharedModel(name: string, symbols: Readonly<Record<string, number>> = {}): Module {
  return importOnnx(read(`${modelsFolder}/${name}.onnx`), { externalData, symbols });
}

/** The sizes that a model leaves open, as a sample has them. */
export function dimsOf(module: Module, { inputs }: SharedSample): Record<string, number> {
  const dims: Record<string, number> = {};
  for (const { type, name = '' } of module.main.body.args) {
    (type as TensorType).shape.forEach((dim, axis) => {
      const text = String(dim);
      const size = inputs[name]?.shape[axis];
      if (typeof dim !== 'number' && !/[ +*()-]/.test(text) && size !== undefined) dims[text] = size;
    });
  }
  return dims;
}
