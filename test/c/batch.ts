import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CArtifact } from '../../backends/c/emit.ts';
import { hostFlags } from '../../backends/c/host.ts';
import { type CPort, countOf } from '../../backends/c/signature.ts';
import { cStorageType } from '../../backends/c/types.ts';
import { bytesOfTensor, elementBytes, type HostTensor, viewBytes } from '../../src/support/tensor.ts';
import type { Machine } from './machines.ts';
import { strict } from './program.ts';

/** A program under a name of its own, with the inputs that it is run on. */
export interface Entry {
  readonly artifact: CArtifact;
  readonly inputs: readonly HostTensor[];
}

const bytesOf = (port: CPort): number => countOf(port) * elementBytes(port.dtype);

/** Runs every program on what is next in inputs.bin, and appends what it gives to outputs.bin. */
function batchMain(entries: readonly Entry[]): string {
  const signatures = entries.map(({ artifact }) => artifact.signature);
  const words = (bytes: number) => Math.max(8, Math.ceil(bytes / 8));
  const room = (bytes: readonly number[]) => words(Math.max(...bytes));
  const ports = Math.max(...signatures.flatMap(({ inputs, outputs }) => [inputs.length, outputs.length]));
  const largest = Math.max(...signatures.flatMap(({ inputs, outputs }) => [...inputs, ...outputs].map(bytesOf)));
  const arena = room(signatures.map(({ arenaBytes }) => arenaBytes));
  const runs = signatures.map(({ name, inputs, outputs, arenaBytes }) => {
    const args = [
      ...inputs.map(({ dtype }, i) => `(const ${cStorageType(dtype)} *)in[${i}]`),
      ...outputs.map(({ dtype }, i) => `(${cStorageType(dtype)} *)out[${i}]`),
    ];
    return [
      `static int run_${name}(void)`,
      '{',
      `  ${name}_context context;`,
      ...inputs.map((port, i) => `  fill(in[${i}], ${bytesOf(port)});`),
      `  int status = ${name}_init(&context, arena, ${arenaBytes});`,
      '  if (status == 0) {',
      `    status = ${name}_run(&context${args.map((arg) => `, ${arg}`).join('')});`,
      '  }',
      ...outputs.map((port, i) => `  drain(out[${i}], ${bytesOf(port)});`),
      '  return status;',
      '}',
    ].join('\n');
  });
  return `${signatures.map(({ name }) => `#include "${name}.h"`).join('\n')}
#include <stdio.h>
#include <stdlib.h>

static FILE *input_file, *output_file;
static uint64_t in[${ports}][${words(largest)}], out[${ports}][${words(largest)}];
static uint64_t arena[${arena} + 8] __attribute__((aligned(64)));

static void fill(void *data, size_t bytes)
{
  if (fread(data, 1, bytes, input_file) != bytes) {
    exit(100);
  }
}

static void drain(const void *data, size_t bytes)
{
  if (fwrite(data, 1, bytes, output_file) != bytes) {
    exit(101);
  }
}

${runs.join('\n\n')}

int main(void)
{
  input_file = fopen("inputs.bin", "rb");
  output_file = fopen("outputs.bin", "wb");
  if (!input_file || !output_file) {
    return 102;
  }
${signatures.map(({ name }) => `  if (run_${name}() != 0) {\n    return 103;\n  }`).join('\n')}
  return fclose(output_file);
}
`;
}

/**
 * Compiles all programs into one, strictly, runs it on a machine and gives each program's outputs.
 * @throws Error with what the compiler or the emulator had to say
 */
export function runBatch(
  machine: Machine,
  entries: readonly Entry[],
  optimization: '-O0' | '-O1' | '-O2',
): HostTensor[][] {
  const folder = mkdtempSync(join(tmpdir(), 'qc-batch-'));
  try {
    for (const { artifact } of entries) {
      for (const [path, content] of artifact.files) writeFileSync(join(folder, path), content);
    }
    writeFileSync(join(folder, 'batch.c'), batchMain(entries));
    writeFileSync(
      join(folder, 'inputs.bin'),
      Buffer.concat(entries.flatMap(({ inputs }) => inputs.map(bytesOfTensor))),
    );
    const sources = entries.flatMap(({ artifact }) => [...artifact.files.keys()].filter((path) => path.endsWith('.c')));
    const call = (command: string, args: readonly string[]) => {
      const { status, signal, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
      if (status === 0) return;
      throw new Error(
        `${command} ${args.join(' ')}: ${signal ?? status}\n${stderr.slice(0, 4000)}${stdout.slice(-2000)}`,
      );
    };
    call(machine.compiler, [...hostFlags, ...strict, optimization, ...machine.flags, '-c', ...sources]);
    const objects = sources.map((source) => source.replace(/c$/, 'o'));
    call(machine.compiler, [...machine.flags, '-o', 'batch', 'batch.c', ...machine.startup, ...objects, '-lm']);
    const [program = './batch', ...args] = machine.emulator;
    call(program, machine.emulator.length > 0 ? [...args, './batch'] : []);
    return results(entries, new Uint8Array(readFileSync(join(folder, 'outputs.bin'))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The assembly of a program, as the machine's compiler makes it. */
export function assemblyOf({ compiler, flags }: Machine, { files, signature }: CArtifact): string {
  const folder = mkdtempSync(join(tmpdir(), 'qc-assembly-'));
  try {
    for (const [path, content] of files) writeFileSync(join(folder, path), content);
    const args = [...hostFlags, '-O2', ...flags, '-S', `${signature.name}.c`, '-o', '-'];
    return execFileSync(compiler, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 28 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function results(entries: readonly Entry[], bytes: Uint8Array): HostTensor[][] {
  let at = 0;
  return entries.map(({ artifact }) =>
    artifact.signature.outputs.map((port) => {
      const from = at;
      at += bytesOf(port);
      return { dtype: port.dtype, shape: [...port.shape], data: viewBytes(port.dtype, bytes.slice(from, at)) };
    }),
  );
}
