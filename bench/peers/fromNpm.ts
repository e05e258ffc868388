import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../node_modules/.cache/bench-peers', import.meta.url));

/**
 * A folder `node_modules` with packages that are too large to be installed with qc, `name@version` each: they are fetched
 * when they are first measured, and no script of theirs is run. Undefined where they can't be had.
 */
export function fromNpm(...packages: readonly [string, ...string[]]): string | undefined {
  const folder = join(cache, packages.join('+').replaceAll(/[^\w.]+/g, '-'));
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    const options = ['--prefix', unfinished, '--no-save', '--ignore-scripts', '--silent'];
    const { status } = spawnSync('npm', ['install', ...options, ...packages], { cwd: unfinished });
    if (status !== 0) {
      rmSync(unfinished, { recursive: true });
      return undefined;
    }
    renameSync(unfinished, folder);
  }
  return join(folder, 'node_modules');
}
