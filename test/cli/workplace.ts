import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { root } from '../source-files.ts';

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A temporary folder in which the real command line runs, in a process of its own. Removed after the file's tests. */
export function workplace(files: Readonly<Record<string, Uint8Array | string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'qc-cli-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    /** Names in the folder, or in one below it. */
    list: (below = '.') => readdirSync(join(folder, below)).sort(),
    qc(...args: string[]): Outcome {
      const command = ['--no-warnings', join(root, 'src/cli/main.ts'), ...args];
      const { status, stdout, stderr } = spawnSync(process.execPath, command, {
        cwd: folder,
        encoding: 'utf8',
        timeout: 240_000,
      });
      return { code: status, out: stdout, err: stderr };
    },
  };
}
