import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { commands, planned } from '../../src/cli/commands/index.ts';
import { runProgram } from '../../src/cli/program.ts';
import { root } from '../source-files.ts';
import { workplace } from './workplace.ts';

const { qc } = workplace({});

async function inProcess(...args: string[]) {
  const text = { out: '', err: '' };
  const code = await runProgram(args, {
    out: (chunk) => {
      text.out += chunk;
    },
    err: (chunk) => {
      text.err += chunk;
    },
  });
  return { code, ...text };
}

/** The files that a file's static imports load, itself included. */
function loadedAtOnce(path: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const imports = readFileSync(path, 'utf8').matchAll(/^(?:import(?! type)|\}) [^;]*?from '(\.[^']+)';/gm);
  for (const [, specifier] of imports) loadedAtOnce(join(dirname(path), specifier as string), seen);
  return [...seen];
}

describe('the command line', { timeout: 60_000 }, () => {
  it('helps, in a process of its own', () => {
    const { code, out, err } = qc('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const { name, summary } of commands) expect(out).toMatch(new RegExp(`qc ${name} +${summary}`));
  });

  it('loads nothing heavy for help', () => {
    const loaded = loadedAtOnce(join(root, 'src/cli/main.ts')).map((path) => relative(root, path));
    expect(loaded).toContain('src/cli/commands/compile.ts');
    const other = loaded.filter((path) => !path.startsWith('src/cli/'));
    expect(other.sort()).toEqual([
      'src/api/choices.ts',
      'src/calibrate/observers/names.ts',
      'src/scheme/presets.ts',
      'src/scheme/recipes.ts',
      'src/support/diagnostics.ts',
      'src/support/limits.ts',
    ]);
  });

  it('says its version', () => expect(qc('--version').out.trim()).toBe(manifest.version));

  it.each(commands.map(({ name }) => name))('qc %s --help names every option', async (name) => {
    const { code, out } = await inProcess(name, '--help');
    expect(code).toBe(0);
    const command = commands.find((one) => one.name === name);
    for (const option of Object.keys(command?.options ?? {})) expect(out).toContain(`--${option}`);
  });

  it.each([
    [['comple', 'm.onnx'], /did you mean 'compile'/],
    [['compile', 'm.onnx', '--traget', 'wasm'], /did you mean --target/],
    [['compile', 'm.onnx', '--target', 'wsam'], /did you mean 'wasm'/],
    [['compile', 'm.onnx', '--target', 'wasm', '--scheme', 'w8a9'], /did you mean 'w8a8'/],
    [['compile', 'm.onnx', '--target', 'wasm', '--scheme', 'int9'], /did you mean 'int8'/],
    [['compile', 'm.onnx'], /--target is missing/],
    [['compile', '--target', 'wasm'], /MODEL is missing/],
    [['compile', 'm.onnx', 'n.onnx', '--target', 'wasm'], /'n\.onnx' is one argument too many/],
    [['compile', 'm.onnx', '--target'], /--target needs a value/],
    [['compile', 'm.onnx', '--target', '--name', 'x'], /--target needs a value/],
    [['compile', 'm.onnx', '--target', 'wasm', '--limit', 'many'], /a whole number from 1/],
    [['compile', 'm.onnx', '--target', 'wasm', '--single-file=yes'], /takes no value/],
    [['--target', 'wasm', 'compile'], /the command comes first/],
    [['opt'], /FILE is missing/],
    [['help', 'comple'], /did you mean 'compile'/],
  ] as [string[], RegExp][])('qc %j: exit code 2 and what to write', async (args, says) => {
    const { code, out, err } = await inProcess(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(says);
  });

  it.each([...planned.keys()])('qc %s is not there yet, and says so', async (name) => {
    const { code, err } = await inProcess(name, 'm.onnx');
    expect(code).toBe(2);
    expect(err).toContain('not there yet');
  });
});
