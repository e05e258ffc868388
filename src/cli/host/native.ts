import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputFile, outputFile } from '../../../backends/c/host.ts';
import type { CPort, CSignature } from '../../../backends/c/signature.ts';
import { concatenated } from '../../../backends/c/words.ts';
import { QcError } from '../../support/diagnostics.ts';
import { bytesOfTensor, elementBytes, elementCount, type HostTensor, viewBytes } from '../../support/tensor.ts';

/** Generated code as a backend returns it, or its files and signature read from a folder. */
export interface NativeSource {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly signature: CSignature;
}

/** How a folder with generated code becomes the program `model` in it. */
export interface NativeBuild {
  /** Further files of the folder: their contents by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly compiler: string;
  readonly args: readonly string[];
}

/**
 * Compiles generated code in a temporary folder, and hands that over.
 * @throws QcError when the compiler fails
 */
export function withProgram<T>({ files }: NativeSource, build: NativeBuild, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'qc-run-'));
  try {
    for (const [path, content] of [...files, ...Object.entries(build.files)]) {
      writeFileSync(join(folder, path), content);
    }
    compile(folder, build);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the program of a folder once for each of `steps` in one process and gives the outputs of each: what the model
 * keeps between runs goes on. The program is told the number of runs, and then `args`.
 * @throws QcError when an input has the wrong size, or the program reports an error
 */
export function runSteps(
  folder: string,
  signature: CSignature,
  steps: readonly (readonly HostTensor[])[],
  args: readonly string[] = [],
): HostTensor[][] {
  writeInputs(folder, signature, steps);
  runProgram(folder, [`${steps.length}`, ...args]);
  const results = signature.outputs.map((_, i) => new Uint8Array(readFileSync(join(folder, outputFile(i)))));
  return steps.map((_, step) =>
    signature.outputs.map(({ dtype, shape }, i) => {
      const bytes = elementCount(shape) * elementBytes(dtype);
      const data = viewBytes(dtype, (results[i] as Uint8Array).slice(step * bytes, (step + 1) * bytes));
      return { dtype, shape: [...shape], data };
    }),
  );
}

/** Writes what a program reads: a file for each input, its steps one behind the other. @throws QcError */
export function writeInputs(folder: string, { inputs }: CSignature, steps: readonly (readonly HostTensor[])[]): void {
  inputs.forEach((port, i) => {
    writeFileSync(join(folder, inputFile(i)), concatenated(steps.map((given) => inputBytes(port, given[i]))));
  });
}

function inputBytes(port: CPort, tensor: HostTensor | undefined): Uint8Array {
  const wanted = elementCount(port.shape) * elementBytes(port.dtype);
  const bytes = tensor && bytesOfTensor(tensor);
  if (bytes?.length === wanted) return bytes;
  throw new QcError({
    what: bytes ? `input '${port.name}' has ${bytes.length} bytes, not ${wanted}` : `input '${port.name}' is missing`,
    why: `it has shape [${port.shape.join(', ')}] and elements of type ${port.dtype}`,
  });
}

function compile(folder: string, { compiler, args }: NativeBuild): void {
  const { status, stderr, error } = spawnSync(compiler, args, { cwd: folder, encoding: 'utf8' });
  if (status === 0) return;
  throw new QcError({
    what: 'the compiler failed on generated code',
    where: `${compiler} ${args.join(' ')}`,
    why: error?.message ?? stderr.slice(0, 4000),
    help: 'if your compiler speaks C99, or is that of CUDA, this is a bug in qc',
  });
}

/** Runs the program of a folder there. @throws QcError when it reports an error */
export function runProgram(folder: string, args: readonly string[]): void {
  const { status, signal, stderr } = spawnSync(join(folder, 'model'), args, { cwd: folder, encoding: 'utf8' });
  if (status === 0) return;
  throw new QcError({
    what: `the compiled model failed (${signal ?? `status ${status}`})`,
    why: stderr.slice(0, 4000) || undefined,
  });
}
