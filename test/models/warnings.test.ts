import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { hostFlags } from '../../backends/c/host.ts';
import { cTarget } from '../../backends/c/target.ts';
import { transform } from '../../src/api/compile.ts';
import { runPipeline } from '../../src/index.ts';
import { missing, strict } from '../c/program.ts';
import {
  dimsOf,
  hasSharedModels,
  modelsFolder,
  type SharedSample,
  sharedModel,
  sharedSamples,
} from './sharedSamples.ts';

/** One whose kernels are of many kinds; with QC_FULL all. */
const names = [
  ...['stories260K', 'mnist_resnet_f', 'resnet8_cifar10', 'ad01_fp32', 'vww_96_float', 'mbnet128_0.25_f', 'vit_mnist'],
  ...['silero_vad_16k_op15', 'stories260K_kv', 'blazeface_front_128', 'ultraface_RFB_320', 'rxnmapper_albert'],
  ...['ddpm_mnist', 'yolox_nano_416', 'mamba_char_step', 'llama_char', 'llama_char_kv', 'llama_char_outlier'],
];
const all = process.env.QC_FULL !== undefined;
const compilers = ['gcc', 'clang-16'];
const absent = hasSharedModels ? missing(...compilers) : ` (needs ${modelsFolder})`;

/** A model's C, without a self-test: the interpreter would take long for the larger ones. */
async function filesOf(name: string, scheme: 'float' | 'w8a8' | 'int8'): Promise<Map<string, Uint8Array>> {
  const samples = sharedSamples(name);
  const module = sharedModel(name, name.startsWith('silero') ? { sequence: 576 } : {});
  const dims = dimsOf(module, samples[0] as SharedSample);
  const calibration = samples.slice(0, 2).map(({ inputs }) => inputs);
  const { kernels } = await transform(module, { scheme, dims, calibration });
  await runPipeline(module, kernels, { target: cTarget });
  return emitC(module, { name: 'net', weights: 'external' }).files;
}

describe.skipIf(absent)(`C of shared models under ${compilers.join(' and ')}${absent}`, () => {
  it.each(all ? names : names.slice(0, 1))('%s has nothing to warn of', async (name) => {
    for (const scheme of ['float', 'w8a8', 'int8'] as const) {
      const folder = mkdtempSync(join(tmpdir(), 'qc-warnings-'));
      try {
        for (const [path, content] of await filesOf(name, scheme)) writeFileSync(join(folder, path), content);
        for (const compiler of compilers) {
          const args = [...hostFlags, ...strict, '-fsyntax-only', 'net.c'];
          expect(execFileSync(compiler, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })).toBe('');
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  });
});
