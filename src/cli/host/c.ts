import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  hostCompilers,
  hostFlags,
  hostMain,
  inputFile,
  outputFile,
  profileMain,
  timesFile,
} from '../../../backends/c/host.ts';
import type { CPort, CSignature } from '../../../backends/c/signature.ts';
import { concatenated } from '../../../backends/c/words.ts';
import { QcError } from '../../support/diagnostics.ts';
import { bytesOfTensor, elementBytes, elementCount, type HostTensor, viewBytes } from '../../support/tensor.ts';

export interface RunCOptions {
  /** Further compiler options; default `-O2`. */
  readonly flags?: readonly string[];
  /** Run NAME_selftest first; the code must have one. */
  readonly selftest?: boolean;
  /** The compiler to use. Default: the first of cc, gcc and clang that starts. */
  readonly compiler?: string;
}

/** The name of a C compiler of this machine. @throws QcError when there is none */
export function findCompiler(): string {
  const found = hostCompilers.find((name) => spawnSync(name, ['--version']).status === 0);
  if (found) return found;
  throw new QcError({
    what: 'there is no C compiler to run this artifact with',
    why: `none of ${hostCompilers.join(', ')} starts`,
    help: 'install gcc or clang, or compile the C file yourself',
  });
}

/**
 * Compiles generated C with the host's compiler in a temporary folder, runs it once and gives its outputs.
 * @throws QcError when there is no compiler, it fails, an input has the wrong size, or the program reports an error
 */
export function runC(artifact: CSource, inputs: readonly HostTensor[], options: RunCOptions = {}): HostTensor[] {
  return runCSteps(artifact, [inputs], options)[0] ?? [];
}

/** Generated code as emitC returns it, or its files and signature read from a folder. */
export interface CSource {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly signature: CSignature;
}

/** As runC, for several runs of one context after each other: what the model keeps between runs goes on. */
export function runCSteps(
  source: CSource,
  steps: readonly (readonly HostTensor[])[],
  options: RunCOptions = {},
): HostTensor[][] {
  const { signature } = source;
  return withProgram(source, hostMain(signature), options, (folder) => {
    writeInputs(folder, signature, steps);
    run(folder, [`${steps.length}`, ...(options.selftest ? ['selftest'] : [])]);
    const results = signature.outputs.map((_, i) => new Uint8Array(readFileSync(join(folder, outputFile(i)))));
    return steps.map((_, step) =>
      signature.outputs.map(({ dtype, shape }, i) => {
        const bytes = elementCount(shape) * elementBytes(dtype);
        const data = viewBytes(dtype, (results[i] as Uint8Array).slice(step * bytes, (step + 1) * bytes));
        return { dtype, shape: [...shape], data };
      }),
    );
  });
}

/**
 * Compiles generated C with hooks behind every kernel, checks it by its self-test and times it, run after run.
 * @param limits most runs, and milliseconds after which no further one begins
 * @returns microseconds of each launch in each run
 */
export function timeC(
  source: CSource,
  launches: number,
  inputs: readonly HostTensor[],
  limits: { readonly rounds: number; readonly budget: number },
  options: RunCOptions = {},
): number[][] {
  const { signature } = source;
  const flags = [...(options.flags ?? ['-O2']), `-D${signature.name}_TRACE`];
  return withProgram(source, profileMain(signature, launches), { ...options, flags }, (folder) => {
    writeInputs(folder, signature, [inputs]);
    run(folder, [`${limits.rounds}`, `${Math.min(limits.budget, 1e9)}`]);
    const bytes = new Uint8Array(readFileSync(join(folder, timesFile)));
    const times = Array.from(new Float64Array(bytes.buffer));
    const stride = Math.max(1, launches);
    return Array.from({ length: times.length / stride }, (_, i) => times.slice(i * stride, i * stride + launches));
  });
}

/** Compiles code and a main in a temporary folder, and hands that over. */
function withProgram<T>(
  { files, signature }: CSource,
  main: string,
  options: RunCOptions,
  use: (folder: string) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), 'qc-c-'));
  try {
    for (const [path, content] of files) writeFileSync(join(folder, path), content);
    writeFileSync(join(folder, mainFile), main);
    compile(folder, signature.name, options);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeInputs(folder: string, { inputs }: CSignature, steps: readonly (readonly HostTensor[])[]): void {
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

/** No name of a model, which is an identifier, can be the same. */
const mainFile = 'qc-main.c';

function compile(folder: string, name: string, options: RunCOptions): void {
  const compiler = options.compiler ?? findCompiler();
  const args = [...hostFlags, ...(options.flags ?? ['-O2']), mainFile, `${name}.c`, '-o', 'model', '-lm'];
  const { status, stderr, error } = spawnSync(compiler, args, { cwd: folder, encoding: 'utf8' });
  if (status === 0) return;
  throw new QcError({
    what: 'the C compiler failed on generated code',
    where: `${compiler} ${args.join(' ')}`,
    why: error?.message ?? stderr.slice(0, 4000),
    help: 'if your compiler speaks C99, this is a bug in qc',
  });
}

function run(folder: string, args: readonly string[]): void {
  const { status, signal, stderr } = spawnSync(join(folder, 'model'), args, { cwd: folder, encoding: 'utf8' });
  if (status === 0) return;
  throw new QcError({
    what: `the compiled model failed (${signal ?? `status ${status}`})`,
    why: stderr.slice(0, 4000) || undefined,
  });
}
