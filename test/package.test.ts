import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { root } from './source-files.ts';

const project = mkdtempSync(join(tmpdir(), 'quantc-package-'));

/** Runs a command and returns its standard output. @throws Error with all it printed when it fails. */
function run(command: string, args: readonly string[], cwd = project): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** Evaluates an ES module in the empty project and returns what it prints. */
function evaluate(code: string): string {
  return run(process.execPath, ['--input-type=module', '--eval', code]).trim();
}

describe('the packed package in an empty project', () => {
  let packedFiles: string[];

  beforeAll(() => {
    const packed = join(project, 'packed');
    mkdirSync(packed);
    // Built beside the tree, so that tests which run meanwhile keep their dist/.
    const staged = join(project, 'staged');
    mkdirSync(staged);
    for (const file of ['package.json', ...manifest.files]) {
      if (file !== 'dist') copyFileSync(join(root, file), join(staged, file));
    }
    run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.build.json', '--outDir', join(staged, 'dist')], root);
    const report = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', packed], staged);
    const [tarball] = Object.values(JSON.parse(report)) as { filename: string; files: { path: string }[] }[];
    if (!tarball) throw new Error(`npm pack named no tarball: ${report}`);
    packedFiles = tarball.files.map(({ path }) => path);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(packed, tarball.filename)]);
  });

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('holds the compiled program and its types, and nothing of the tests', () => {
    expect(packedFiles).toEqual(expect.arrayContaining(['dist/src/index.js', 'dist/src/index.d.ts', 'LICENSE']));
    expect(packedFiles.filter((path) => /^(src|test|bench|node_modules|dist\/test)\//.test(path))).toEqual([]);
  });

  it('imports the public API', () => {
    const names = evaluate("console.log(JSON.stringify(Object.keys(await import('quantc'))))");
    expect(JSON.parse(names)).toEqual(expect.arrayContaining(['importOnnx', 'parse', 'print', 'interpret', 'compile']));
  });

  it('imports a dialect, a pass and a runtime by their exported paths', () => {
    // runtime/report.ts is the script of a page and runs there alone
    const modules = packedFiles.filter((path) => path.endsWith('.js') && path !== 'dist/runtime/report.js');
    const paths = ['dialects', 'passes', 'runtime'].map((folder) => {
      const file = modules.find((path) => path.startsWith(`dist/${folder}/`));
      if (!file) throw new Error(`the package holds no dist/${folder}/*.js`);
      return `quantc/${file.slice('dist/'.length, -'.js'.length)}`;
    });
    evaluate(`for (const path of ${JSON.stringify(paths)}) await import(path);`);
  });

  it('runs qc --version', () => {
    expect(run('npx', ['--no-install', 'qc', '--version']).trim()).toContain(manifest.version);
  });
});
