import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hostFlags, outputFile } from '../backends/c/host.ts';
import { cStorageType } from '../backends/c/types.ts';
import { type CSource, findCompiler } from '../src/cli/host/c.ts';
import { bytesOfTensor, type HostTensor } from '../src/support/tensor.ts';
import type { Runner, Values } from './runner.ts';

/** How generated C is compiled here. */
export const cBuilds = {
  'C -O3 -march=native': ['-O3', '-march=native'],
  'C -O3': ['-O3'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const inputPath = 'input.bin';

/** Reads numbers: runs the model so often on input.bin, says the nanoseconds, and writes the first output. */
function timingMain({ name, inputs: [input], outputs }: CSource['signature']): string {
  const [first] = outputs;
  return `#define _POSIX_C_SOURCE 199309L
#include "${name}.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned char input[${name}_${input?.identifier.toUpperCase()}_COUNT * sizeof(${cStorageType(input?.dtype ?? 'f32')})] __attribute__((aligned(64)));
static unsigned char arena[${name}_ARENA_BYTES + 64] __attribute__((aligned(64)));
${outputs.map((port, i) => `static ${cStorageType(port.dtype)} output${i}[${name}_${port.identifier.toUpperCase()}_COUNT];`).join('\n')}

int main(void)
{
  ${name}_context context;
  if (${name}_init(&context, arena, sizeof arena) != 0) {
    return 1;
  }
  long runs;
  while (scanf("%ld", &runs) == 1) {
    FILE *file = fopen("${inputPath}", "rb");
    if (file == NULL || fread(input, 1, sizeof input, file) != sizeof input) {
      return 2;
    }
    fclose(file);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < runs; i++) {
      if (${name}_run(&context, (const void *)input${outputs.map((_, i) => `, output${i}`).join('')}) != 0) {
        return 3;
      }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    file = fopen("${outputFile(0)}", "wb");
    if (file == NULL || fwrite(output0, sizeof(${cStorageType(first?.dtype ?? 'f32')}), ${name}_${first?.identifier.toUpperCase()}_COUNT, file) == 0) {
      return 4;
    }
    fclose(file);
    printf("%.0f\\n", (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec));
    fflush(stdout);
  }
  return 0;
}
`;
}

/** Generated C of one input in a process of its own, which counts its own time. */
export async function cRunner(name: string, source: CSource, flags: readonly string[]): Promise<Runner> {
  const folder = mkdtempSync(join(tmpdir(), 'qc-bench-'));
  for (const [path, content] of source.files) writeFileSync(join(folder, path), content);
  writeFileSync(join(folder, 'qc-main.c'), timingMain(source.signature));
  const args = [...hostFlags, ...flags, 'qc-main.c', `${source.signature.name}.c`, '-o', 'model', '-lm'];
  const built = spawnSync(findCompiler(), args, { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${name}: ${built.stderr.slice(0, 2000)}`);
  const child: ChildProcess = spawn('./model', [], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  child.unref();
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const time = async (input: HostTensor, runs: number): Promise<number> => {
    writeFileSync(join(folder, inputPath), bytesOfTensor(input));
    child.stdin?.write(`${runs}\n`);
    const { value } = await lines.next();
    return Number(value) / 1e6;
  };
  return {
    name,
    time,
    async run(input): Promise<Values> {
      await time(input, 1);
      return new Float32Array(new Uint8Array(readFileSync(join(folder, outputFile(0)))).buffer);
    },
    close: () => child.kill(),
  };
}
