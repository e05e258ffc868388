import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { workplace } from './workplace.ts';

const type = 'tensor<4xf32>';
const { folder } = workplace({});
const file = join(folder, 'sum.qir');
writeFileSync(
  file,
  `func @main(%x: ${type}) -> (%y: ${type}) {\n  %0 = nn.neg %x : ${type} loc("first")\n  %1 = nn.clamp %0 {min = 0, max = 6} : ${type} loc("relu")\n  %2 = nn.clamp %1 {min = 0, max = 6} : ${type} loc("again")\n  nn.return %2\n}\n`,
);

afterEach(() => {
  vi.unstubAllEnvs();
});

async function withLevel(level: string | undefined, ...args: string[]): Promise<{ code: number; err: string }> {
  vi.stubEnv('QC_DEBUG', level);
  let err = '';
  const code = await runProgram(args, {
    out: () => {},
    err: (chunk) => {
      err += chunk;
    },
  });
  return { code, err };
}

describe('QC_DEBUG', () => {
  const opt = (level: string | undefined) =>
    withLevel(level, 'opt', file, '--pipeline', 'fold-affine,canonicalize', '--quiet');

  it('prints nothing, passes, rewrites and the IR, level by level', async () => {
    expect(await opt(undefined)).toEqual({ code: 0, err: '' });
    expect(await opt('0')).toEqual({ code: 0, err: '' });
    const passes = /^pass fold-affine: \d+\.\d ms, 4 → 4 operations\npass canonicalize: \d+\.\d ms, 4 → 3 operations$/m;
    const rewrite = /^canonicalize: .* on nn\.clamp 'again'$/m;
    const ir = /^\/\/ after canonicalize\nfunc @main/m;
    for (const [level, shown] of [[passes], [passes, rewrite], [passes, rewrite, ir]].entries()) {
      const { err } = await opt(`${level + 1}`);
      const found = [/^pass /m, /^canonicalize: /m, /^\/\/ after canonicalize/m].map((part) => part.test(err));
      expect(found).toEqual([true, level >= 1, level >= 2]);
      for (const part of shown) if (part !== passes || level === 0) expect(err).toMatch(part);
    }
  });

  it('says where in qc an error was raised', async () => {
    const failing = ['opt', file, '--pipeline', 'nothing-like-it'];
    const plain = await withLevel(undefined, ...failing);
    expect(plain.err).not.toMatch(/\.ts:\d+/);
    const { code, err } = await withLevel('1', ...failing);
    expect(code).toBe(plain.code);
    expect(err).toMatch(/registry\.ts:\d+/);
    expect(err.endsWith(plain.err)).toBe(true);
  });

  it('refuses what is no level', async () => {
    for (const level of ['4', 'all', '-1']) {
      expect(await withLevel(level, 'help')).toEqual({
        code: 2,
        err: `qc: QC_DEBUG=${level} is no level\n  help: there are 0 to 3\n`,
      });
    }
  });
});
