import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { hostFlags } from '../../backends/c/host.ts';
import { cTarget } from '../../backends/c/target.ts';
import { registry } from '../../dialects/index.ts';
import { runCSteps } from '../../src/cli/host/c.ts';
import { compile, runPipeline } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { cases } from '../differential/cases.ts';
import { planned, reference, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';
import { hasSharedModels, modelsFolder, sharedModel, sharedSamples } from '../models/sharedSamples.ts';
import { missing, strict } from './program.ts';

const full = process.env.QC_FULL !== undefined;
const noCompiler = missing('gcc');
const compiler = 'gcc';

describe.skipIf(noCompiler)(`threads in C that share every loop compute what one computes${noCompiler}`, () => {
  const some = cases.filter((_, i) => full || i % 24 === 0);
  it.each(some)('$name', async ({ text, tolerance = 0 }) => {
    const module = await planned(text, cTarget);
    await runPipeline(module, 'share-loops{least_work=0}');
    const artifact = emitC(module, { name: 'net', threads: true });
    const inputs = seededInputs(parse(text, { registry }), 11);
    const flags = ['-O1', '-g', ...strict, '-fsanitize=thread'];
    const twice = runCSteps(artifact, [inputs, inputs], { flags, compiler, threads: 3 });
    for (const outputs of twice) expectSame(outputs, reference(text, inputs), tolerance);
  });
});

const noModel = noCompiler || (hasSharedModels ? '' : ` (needs ${modelsFolder})`);

describe.skipIf(noModel)(`a model in C that several threads run${noModel}`, () => {
  it.each([
    ['resnet8_cifar10', 'w8a8', 'compiler'],
    ['mnist_resnet_f', 'float', 'runtime'],
  ] as const)(
    '%s: the same bytes for any number of threads, in %s, chosen by the %s',
    async (name, scheme, dispatch) => {
      const samples = sharedSamples(name);
      const order = Object.keys(samples[0]?.inputs ?? {});
      const rows = samples.slice(0, 3).map(({ inputs }) => order.map((input) => inputs[input] as HostTensor));
      const calibration = samples.slice(0, 2).map(({ inputs }) => inputs);
      const options = { target: 'c', scheme, dispatch, calibration, name: 'net' } as const;
      const plain = await compile(sharedModel(name), options);
      const threaded = await compile(sharedModel(name), { ...options, threads: true });
      const sourceOf = ({ files, manifest }: typeof plain) => ({ files, signature: manifest.c as never });
      const expected = runCSteps(sourceOf(plain), rows, { compiler });
      for (const threads of [2, 5]) {
        const actual = runCSteps(sourceOf(threaded), rows, { compiler, threads, selftest: true });
        expect(actual, `${threads} threads`).toEqual(expected);
      }
    },
  );
});

const product = `resource @w : f32[3072] = random(1, -1, 1)
func @main(%x: tensor<37x64xf32>) -> (%y: tensor<37x48xf32>) {
  %w = nn.constant {value = @w} : tensor<64x48xf32>
  %0 = nn.matmul %x, %w : tensor<37x48xf32> loc("layer")
  nn.return %0
}
`;

/** Starts and ends threads in right and wrong ways; says each status, and whether runs agreed. */
const startsAndEnds = `#include "net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static net_threads threads, others;
static float x[net_INPUT_X_COUNT], alone[net_OUTPUT_Y_COUNT], together[net_OUTPUT_Y_COUNT];

int main(void)
{
  net_context context;
  void *arena = malloc(net_ARENA_BYTES + 1);
  for (int i = 0; i < net_INPUT_X_COUNT; i++) {
    x[i] = (float)(i % 19) - 9.0f;
  }
  printf("%d", net_init(&context, arena, net_ARENA_BYTES));
  printf(" %d", net_end_threads(&context));
  printf(" %d %d", net_start_threads(&context, &threads, 0), net_start_threads(&context, &threads, net_MAX_THREADS + 1));
  printf(" %d", net_run(&context, x, alone));
  for (int count = 1; count < 9; count++) {
    printf(" %d", net_start_threads(&context, &threads, count));
    printf(" %d", net_start_threads(&context, &others, count));
    for (int run = 0; run < 100; run++) {
      memset(together, 0, sizeof together);
      if (net_run(&context, x, together) != 0 || memcmp(alone, together, sizeof alone) != 0) {
        printf(" differs");
      }
    }
    printf(" %d", net_end_threads(&context));
  }
  printf(" %d\\n", net_run(&context, x, together));
  free(arena);
  return 0;
}
`;

it.skipIf(noCompiler)(`threads are started and ended, and refused when they can't be${noCompiler}`, async () => {
  const module = await planned(product, cTarget);
  await runPipeline(module, 'share-loops{least_work=0}');
  const folder = mkdtempSync(join(tmpdir(), 'qc-threads-'));
  try {
    const { files } = emitC(module, { name: 'net', threads: true });
    for (const [path, content] of [...files, ['main.c', startsAndEnds] as const])
      writeFileSync(join(folder, path), content);
    const args = [...hostFlags, '-O2', ...strict, '-pthread', 'main.c', 'net.c', '-o', 'net', '-lm'];
    execFileSync(compiler, args, { cwd: folder, stdio: 'pipe' });
    const said = execFileSync(join(folder, 'net'), { encoding: 'utf8' }).trim();
    const header = new TextDecoder().decode(files.get('net.h'));
    const status = Number(/net_ERROR_THREADS = (\d+)/.exec(header)?.[1]);
    const rounds = Array.from({ length: 8 }, () => `0 ${status} 0`);
    expect(said).toBe([0, status, status, status, 0, ...rounds, 0].join(' '));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('are refused for targets without', async () => {
  const refused = compile(parse(product, { registry }), { target: 'wgsl', threads: true });
  await expect(refused).rejects.toThrow('programs for the target wgsl have no threads');
});

it.each(['cortex-m0plus', 'cortex-m4', 'cortex-m55'] as const)('are refused for %s', async (cpu) => {
  const refused = compile(parse(product, { registry }), { target: 'c', cpu, threads: true });
  await expect(refused).rejects.toThrow(`programs for ${cpu} have no threads`);
});
