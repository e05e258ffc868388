import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompiler } from '../../src/cli/host/c.ts';
import { bytesOfTensor, type HostTensor, viewBytes } from '../../src/support/tensor.ts';
import type { Size } from '../cases/matmul.ts';
import { converse } from '../process.ts';
import type { Runner } from '../runner.ts';
import { fromNpm } from './fromNpm.ts';

/** The package whose shared libraries are llama.cpp's own builds for Linux on x86-64. */
const [name, version] = ['@node-llama-cpp/linux-x64', '3.22.1'];
const main = fileURLToPath(new URL('llama/main.c', import.meta.url));

/** Kinds of memory for weights, each with kernels of its own, that are tried at most. */
const mostKinds = 4;

/** The library of ggml for this processor, by the score that each gives itself. */
function bestLibrary(folder: string): string | undefined {
  const probe = `#include <dlfcn.h>
#include <stdio.h>
int main(int n, char **a) {
  void *l = dlopen(a[1], RTLD_NOW), *s = l ? dlsym(l, "ggml_backend_score") : 0;
  printf("%d", s ? ((int (*)(void))s)() : 0);
  return n - n;
}`;
  const at = mkdtempSync(join(tmpdir(), 'qc-bench-'));
  try {
    writeFileSync(join(at, 'score.c'), probe);
    if (spawnSync(findCompiler(), ['score.c', '-o', 'score', '-ldl'], { cwd: at }).status !== 0) return undefined;
    const scores = readdirSync(folder)
      .filter((name) => name.startsWith('libggml-cpu-'))
      .map((name): [string, number] => {
        const { stdout } = spawnSync(join(at, 'score'), [join(folder, name)], {
          encoding: 'utf8',
          env: { ...process.env, LD_LIBRARY_PATH: folder },
        });
        return [name, Number(stdout)];
      });
    const [best] = scores.sort(([, a], [, b]) => b - a);
    return best && best[1] > 0 ? best[0] : undefined;
  } finally {
    rmSync(at, { recursive: true });
  }
}

/**
 * llama.cpp's product of a row or rows with weights in Q4_0, on one thread: a runner for each kind of memory that it has
 * kernels for here. Empty where the library is not to be had.
 * @param weights blocks of 18 bytes, a scale in f16 and 32 codes, row by row of the outputs
 */
export async function llamaMatmuls({ rows, depth, columns }: Size, weights: Uint8Array): Promise<Runner[]> {
  const home = process.platform === 'linux' && process.arch === 'x64' ? fromNpm(`${name}@${version}`) : undefined;
  const folder = home && join(home, name, 'bins', 'linux-x64');
  const library = folder && existsSync(folder) ? bestLibrary(folder) : undefined;
  if (!folder || !library) return [];
  const runners: Runner[] = [];
  for (let kind = 0; kind < mostKinds; kind++) {
    const at = mkdtempSync(join(tmpdir(), 'qc-bench-'));
    writeFileSync(join(at, 'weights.bin'), weights);
    const built = spawnSync(findCompiler(), ['-O2', main, `-Wl,-rpath,${folder}`, '-o', 'main', '-ldl'], {
      cwd: at,
      encoding: 'utf8',
    });
    if (built.status !== 0) throw new Error(`llama.cpp: ${built.stderr.slice(0, 2000)}`);
    const args = [join(folder, 'libggml-base.so'), join(folder, library), kind, rows, depth, columns].map(String);
    const program = converse('./main', args, at, 'llama.cpp');
    const memory = await program.line();
    const close = () => {
      program.end();
      rmSync(at, { recursive: true, force: true });
    };
    if (memory === 'none') {
      close();
      break;
    }
    const time = async (x: HostTensor, runs: number) => {
      writeFileSync(join(at, 'input.bin'), bytesOfTensor(x));
      program.tell(`${runs}`);
      return Number(await program.line()) / 1e6;
    };
    runners.push({
      name: `llama.cpp (${memory})`,
      time: ({ x }, runs) => time(x as HostTensor, runs),
      async run({ x }) {
        await time(x as HostTensor, 1);
        return { y: viewBytes('f32', new Uint8Array(readFileSync(join(at, 'output.bin')))) };
      },
      close,
    });
  }
  return runners;
}
