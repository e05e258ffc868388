import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostFlags } from '../backends/c/host.ts';
import type { CPort } from '../backends/c/signature.ts';
import { cStorageType } from '../backends/c/types.ts';
import { findCompiler } from '../src/cli/host/c.ts';
import type { NativeSource } from '../src/cli/host/native.ts';
import { bytesOfTensor, type HostTensor, viewBytes } from '../src/support/tensor.ts';
import { converse } from './process.ts';
import type { Inputs, Outputs, Runner } from './runner.ts';

/** How generated C is compiled here. */
export const cBuilds = {
  'C -O3 -march=native': ['-O3', '-march=native'],
  'C -O3': ['-O3'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The files of a run in its working directory. */
const inputFile = (i: number) => `bench-input${i}.bin`;
const outputFile = (i: number) => `bench-output${i}.bin`;

/** Reads numbers: runs the model so often on the input files, says the nanoseconds, and writes the outputs. */
function timingMain({ name, inputs, outputs }: NativeSource['signature']): string {
  const room = ({ identifier, dtype }: CPort, variable: string) =>
    `static ${cStorageType(dtype)} ${variable}[${name}_${identifier.toUpperCase()}_COUNT + 64] __attribute__((aligned(64)));`;
  const transfer = (mode: 'rb' | 'wb', call: 'fread' | 'fwrite', path: string, variable: string, port: CPort) => `    {
      FILE *file = fopen("${path}", "${mode}");
      size_t count = ${name}_${port.identifier.toUpperCase()}_COUNT;
      if (file == NULL || ${call}(${variable}, sizeof ${variable}[0], count, file) != count) {
        return 2;
      }
      fclose(file);
    }`;
  const ports = [...inputs.map((_, i) => `input${i}`), ...outputs.map((_, i) => `output${i}`)];
  return `#define _POSIX_C_SOURCE 199309L
#include "${name}.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned char arena[${name}_ARENA_BYTES + 64] __attribute__((aligned(64)));
${inputs.map((port, i) => room(port, `input${i}`)).join('\n')}
${outputs.map((port, i) => room(port, `output${i}`)).join('\n')}

int main(void)
{
  ${name}_context context;
  if (${name}_init(&context, arena, sizeof arena) != 0) {
    return 1;
  }
  long runs;
  while (scanf("%ld", &runs) == 1) {
${inputs.map((port, i) => transfer('rb', 'fread', inputFile(i), `input${i}`, port)).join('\n')}
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < runs; i++) {
      if (${name}_run(${['&context', ...ports].join(', ')}) != 0) {
        return 3;
      }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
${outputs.map((port, i) => transfer('wb', 'fwrite', outputFile(i), `output${i}`, port)).join('\n')}
    printf("%.0f\\n", (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec));
    fflush(stdout);
  }
  return 0;
}
`;
}

/** Generated C in a process of its own, which counts its own time. */
export async function cRunner(name: string, source: NativeSource, flags: readonly string[]): Promise<Runner> {
  const { signature } = source;
  const folder = mkdtempSync(join(tmpdir(), 'qc-bench-'));
  for (const [path, content] of source.files) writeFileSync(join(folder, path), content);
  writeFileSync(join(folder, 'qc-main.c'), timingMain(signature));
  const args = [...hostFlags, ...flags, 'qc-main.c', `${signature.name}.c`, '-o', 'model', '-lm'];
  const built = spawnSync(findCompiler(), args, { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${name}: ${built.stderr.slice(0, 2000)}`);
  const program = converse('./model', [], folder, name);
  const time = async (inputs: Inputs, runs: number): Promise<number> => {
    signature.inputs.forEach((port, i) => {
      writeFileSync(join(folder, inputFile(i)), bytesOfTensor(inputs[port.name] as HostTensor));
    });
    program.tell(`${runs}`);
    return Number(await program.line()) / 1e6;
  };
  return {
    name,
    time,
    async run(inputs): Promise<Outputs> {
      await time(inputs, 1);
      return Object.fromEntries(
        signature.outputs.map((port, i) => {
          const bytes = new Uint8Array(readFileSync(join(folder, outputFile(i))));
          return [port.name, viewBytes(port.dtype, bytes)];
        }),
      );
    },
    close() {
      program.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
