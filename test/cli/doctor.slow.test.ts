import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../source-files.ts';

describe('qc doctor', () => {
  it('names what is missing for each target, and what to install', () => {
    const command = ['--no-warnings', join(root, 'src/cli/main.ts'), 'doctor'];
    const { status, stdout } = spawnSync(process.execPath, command, { encoding: 'utf8', env: { PATH: '' } });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok +WebAssembly SIMD, to run wasm artifacts/m);
    expect(stdout).toMatch(/^missing +a C compiler, to run C artifacts\n +install gcc or clang/m);
    expect(stdout).toMatch(/^(ok|missing) +WebGPU, to run wgsl artifacts/m);
    expect(stdout).toMatch(/^missing +nvcc .*to run cuda artifacts\n +install the CUDA toolkit/m);
    for (const machine of ['Cortex-M', 'aarch64', 'riscv64'])
      expect(stdout).toMatch(new RegExp(`^missing .*for ${machine}, .*\\n.* do not start: .*apt-get install`, 'm'));
  });
});
