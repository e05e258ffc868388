import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emitCuda } from '../../backends/cuda/emit.ts';
import { cudaTarget } from '../../backends/cuda/target.ts';
import type { Module } from '../../src/ir/index.ts';
import { missing } from '../c/program.ts';
import { cases } from '../differential/cases.ts';
import { choosesByData, planned } from '../differential/run.ts';
import { largeMatmul } from './largeMatmul.ts';

const noNvcc = missing('nvcc');

/** Kinds of processors that a program is for. */
const architectures = ['sm_75', 'sm_80', 'sm_90', 'sm_120'] as const;

interface Kernel {
  readonly name: string;
  readonly spilled: number;
}

/** Compiles a planned module to PTX and on to the instructions of a processor; what the assembler says of each kernel. */
function assemble(module: Module, architecture: string): { readonly ptx: string; readonly kernels: Kernel[] } {
  const folder = mkdtempSync(join(tmpdir(), 'qc-nvcc-'));
  try {
    for (const [path, content] of emitCuda(module, { name: 'model' }).files) writeFileSync(join(folder, path), content);
    const flags = ['-arch', architecture, '-cubin', '-keep', '-Werror', 'all-warnings', '-Xptxas', '-v', 'model.cu'];
    const { status, stderr } = spawnSync('nvcc', flags, { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const said = /Compiling entry function '(\w+)'[\s\S]*?(\d+) bytes spill stores, (\d+) bytes spill loads/g;
    const kernels = [...stderr.matchAll(said)].map(([, name = '', stores, loads]) => ({
      name,
      spilled: Number(stores) + Number(loads),
    }));
    return { ptx: readFileSync(join(folder, 'model.ptx'), 'utf8'), kernels };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Those whose sums are products of tiles that a warp holds, as test/cuda/mma.slow.test.ts checks. */
const isCooperative = (name: string) => /^i8.*(many channels|37x64x48|1040x32x128)/.test(name);

const products = [...cases, largeMatmul].filter(({ name }) => /matmul|convolution|floats by|codes by/.test(name));
const chosen = process.env.QC_FULL
  ? [...cases, largeMatmul]
  : products.filter(({ name }, i) => i % 16 === 0 || isCooperative(name));

describe.skipIf(noNvcc)(`kernels that nvcc compiles${noNvcc}`, () => {
  it.each(chosen.map((one, i) => ({ ...one, turn: i })))('$name', async ({ name, text, turn }) => {
    const module = await planned(text, cudaTarget);
    if (choosesByData(module)) return;
    const all = process.env.QC_FULL ? architectures : [architectures[turn % architectures.length] ?? 'sm_75'];
    for (const architecture of all) {
      const { ptx, kernels } = assemble(module, architecture);
      expect(kernels.length).toBeGreaterThan(0);
      if (products.some((one) => one.name === name)) {
        for (const { name: kernel, spilled } of kernels) expect(spilled, `${kernel} for ${architecture}`).toBe(0);
      }
      // sums and products that are written apart stay apart
      if (!text.includes('f32')) expect(ptx).not.toMatch(/\bfma\./);
      if (/^i8 (matmul|conv)/.test(name) && !name.includes('depthwise')) {
        const tiles = architecture === 'sm_75' ? 'mma.sync.aligned.m8n8k16' : 'mma.sync.aligned.m16n8k32';
        expect(ptx).toContain(isCooperative(name) ? tiles : 'dp4a.s32.s32');
      }
    }
  });
});
