import { checkInputs, instantiate, instantiateOnDevice } from '../api/instantiate.ts';
import { signatureOf } from '../api/signature.ts';
import { readNpy, writeNpy } from '../calibrate/data/index.ts';
import { interpret } from '../interpret/index.ts';
import { decodeTensorFile, hostTensor, readTensor } from '../onnx/proto/index.ts';
import { didYouMean, invariant, QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { type ArtifactFiles, isArtifact, loadArtifact } from './artifactFile.ts';
import { readFile } from './files.ts';
import type { modelOptions } from './globalOptions.ts';
import { loadModel, parseSizes } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFolder, writeFolder } from './outputFolder.ts';
import { tensorText } from './tensorText.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface RunArguments extends OptionValues<typeof modelOptions> {
  readonly input: readonly string[];
  readonly output: string | undefined;
}

type Tensors = Record<string, HostTensor>;

/** Runs an artifact or a model on files, and prints or writes what comes out. */
export async function runModel(path: string, options: RunArguments, terminal: Terminal): Promise<void> {
  if (options.output !== undefined) checkOutputFolder(options.output);
  const dims = parseSizes(options.dim);
  const outputs = isArtifact(path)
    ? await runArtifact(loadArtifact(path), options)
    : runInterpreted(path, options, dims, terminal);
  if (options.output !== undefined) writeOutputs(outputs, options.output, terminal);
  else if (terminal.json)
    terminal.printJson(Object.fromEntries(Object.entries(outputs).map(([n, t]) => [n, plain(t)])));
  else for (const [name, tensor] of Object.entries(outputs)) terminal.print(tensorText(name, tensor));
}

function runInterpreted(
  path: string,
  options: RunArguments,
  symbols: Readonly<Record<string, number>>,
  terminal: Terminal,
): Tensors {
  const module = loadModel(path, options.allow, symbols);
  terminal.crash.module = module;
  const names = signatureOf(module).inputs.map(({ name }) => name);
  return interpret(module, readInputs(options.input, names), { symbols });
}

async function runArtifact(artifact: ArtifactFiles, options: RunArguments): Promise<Tensors> {
  const { manifest, files } = artifact;
  if (options.dim.length > 0) {
    throw new UsageError('--dim is for models', 'the sizes of a compiled program are fixed: leave it out');
  }
  const inputs = readInputs(
    options.input,
    manifest.signature.inputs.map(({ name }) => name),
  );
  if (manifest.target === 'wasm') return (await instantiate(files)).run(inputs);
  if (manifest.target === 'wgsl') return runOnDevice(files, inputs);
  invariant(manifest.c, 'the manifest of generated C or CUDA describes its functions');
  const source = { files, signature: manifest.c };
  const ordered = checkInputs(manifest.signature, inputs).map(({ tensor }) => tensor);
  const results =
    manifest.target === 'c'
      ? (await import('./host/c.ts')).runC(source, ordered)
      : (await import('./host/cuda.ts')).runCuda(source, ordered);
  return Object.fromEntries(manifest.signature.outputs.map(({ name }, i) => [name, results[i] as HostTensor]));
}

/** Runs on this machine's WebGPU, whose device would keep the process alive. */
async function runOnDevice(files: ArtifactFiles['files'], inputs: Tensors): Promise<Tensors> {
  const { openDevice } = await import('./host/webgpu.ts');
  const host = await openDevice();
  try {
    return await (await instantiateOnDevice(files, host)).run(inputs);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new QcError({ what: 'this device has no room for the model', why: error.message });
  } finally {
    host.device.destroy();
  }
}

/** The tensors of `--input NAME=FILE…`; NAME= may be left out where there is one input. @throws QcError */
function readInputs(texts: readonly string[], names: readonly string[]): Tensors {
  const inputs: Tensors = {};
  for (const text of texts) {
    const { name, path } = splitInput(text, names);
    if (Object.hasOwn(inputs, name)) throw new UsageError(`the input '${name}' is given twice`);
    inputs[name] = readTensorFile(path);
  }
  return inputs;
}

function splitInput(text: string, names: readonly string[]): { name: string; path: string } {
  const name = names.find((one) => text.startsWith(`${one}=`));
  if (name !== undefined) return { name, path: text.slice(name.length + 1) };
  const [only, ...others] = names;
  const at = text.indexOf('=');
  const given = text.slice(0, at);
  const namesFile = at < 0 || given.includes('/');
  if (namesFile && only !== undefined && others.length === 0) return { name: only, path: text };
  const near = namesFile ? undefined : didYouMean(given, names);
  throw new QcError({
    what: namesFile
      ? `the model has ${names.length} inputs, and which one is not said`
      : `the model has no input '${given}'`,
    where: `--input ${text}`,
    why: `its inputs are ${names.join(', ')}`,
    help: near ? `did you mean '${near}'?` : 'write --input NAME=FILE',
  });
}

function readTensorFile(path: string): HostTensor {
  const bytes = readFile(path);
  if (path.endsWith('.npy')) return readNpy(bytes, path);
  if (path.endsWith('.pb')) return hostTensor(readTensor(decodeTensorFile(bytes), path));
  throw new QcError({
    what: 'the input is neither a .npy nor a .pb file',
    where: path,
    help: 'write it with numpy.save',
  });
}

function writeOutputs(outputs: Tensors, folder: string, terminal: Terminal): void {
  const files = new Map<string, Uint8Array>();
  for (const [name, tensor] of Object.entries(outputs)) {
    // Names of a model may hold anything; a file's name keeps letters, digits, dots and dashes.
    const safe = name.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '_') || 'output';
    let path = `${safe}.npy`;
    for (let i = 2; files.has(path); i++) path = `${safe}_${i}.npy`;
    files.set(path, writeNpy(tensor));
  }
  writeFolder(folder, files);
  if (terminal.json) terminal.printJson({ folder, files: [...files.keys()] });
  else terminal.note(`wrote ${folder}: ${[...files.keys()].join(', ')}`);
}

function plain({ dtype, shape, data }: HostTensor): object {
  return { dtype, shape, data: Array.from(data as ArrayLike<number | bigint>, Number) };
}
