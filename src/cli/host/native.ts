import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputFile, outputFile, sizesFile, timesFile } from '../../../backends/c/host.ts';
import type { CSignature } from '../../../backends/c/signature.ts';
import { concatenated } from '../../../backends/c/words.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { NativeStream } from './stream.ts';

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
export function withProgram<T>(source: NativeSource, build: NativeBuild, use: (folder: string) => T): T {
  const { folder, remove } = buildProgram(source, build);
  try {
    return use(folder);
  } finally {
    remove();
  }
}

/** As withProgram, for as long as the folder is not removed. @throws QcError when the compiler fails */
export function buildProgram({ files }: NativeSource, build: NativeBuild): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'qc-run-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const [path, content] of [...files, ...Object.entries(build.files)]) {
      writeFileSync(join(folder, path), content);
    }
    compile(folder, build);
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, remove };
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
  const stream = writeInputs(folder, signature, steps);
  runProgram(folder, [`${steps.length}`, ...args]);
  const results = stream.streams.map((_, i) => new Uint8Array(readFileSync(join(folder, outputFile(i)))));
  const places = results.map(() => 0);
  return steps.map(() =>
    stream.read((bytes, i) => {
      const from = places[i] as number;
      places[i] = from + bytes;
      return (results[i] as Uint8Array).slice(from, from + bytes);
    }),
  );
}

/** Writes what a program reads: a file for each input, its steps one behind the other. @throws QcError */
export function writeInputs(
  folder: string,
  signature: CSignature,
  steps: readonly (readonly HostTensor[])[],
): NativeStream {
  const stream = new NativeStream(signature);
  const runs = steps.map((given) => stream.next(given));
  writeFileSync(join(folder, sizesFile), concatenated(runs.map(({ sizes }) => sizes)));
  signature.inputs.forEach((_, i) => {
    writeFileSync(join(folder, inputFile(i)), concatenated(runs.map(({ inputs }) => inputs[i] as Uint8Array)));
  });
  return stream;
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

/** Microseconds of each launch in each run, as a program for profiles has written them. */
export function readTimes(folder: string, launches: number): number[][] {
  const bytes = new Uint8Array(readFileSync(join(folder, timesFile)));
  const times = Array.from(new Float64Array(bytes.buffer));
  const stride = Math.max(1, launches);
  return Array.from({ length: times.length / stride }, (_, i) => times.slice(i * stride, i * stride + launches));
}

/** Runs the program of a folder there. @throws QcError when it reports an error */
export function runProgram(folder: string, args: readonly string[]): void {
  const { status, signal, stderr } = spawnSync(join(folder, 'model'), args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw failure(signal ?? `status ${status}`, stderr);
}

/** The error of a program that has ended otherwise than it should. */
export function failure(how: string, stderr: string): QcError {
  return new QcError({ what: `the compiled model failed (${how})`, why: stderr.slice(0, 4000) || undefined });
}
