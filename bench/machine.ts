import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { loadWasmRuntime } from '../backends/wasm/host.ts';

/** Where and with what a measurement was made. */
export interface Machine {
  readonly processor: string;
  /** How the relaxed dot product of this machine reads the second operand. */
  readonly relaxedDot: 'signed' | 'unsigned' | 'not exact';
  readonly node: string;
  readonly v8: string;
  readonly commit: string;
  readonly packages: Readonly<Record<string, string>>;
}

function git(...args: string[]): string {
  const { stdout, status } = spawnSync('git', args, { cwd: new URL('..', import.meta.url), encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '';
}

function versionOf(name: string): string {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

export async function describeMachine(): Promise<Machine> {
  const { probeRelaxedDot } = await loadWasmRuntime();
  const mask = probeRelaxedDot();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
  return {
    processor: `${cpus()[0]?.model.trim() ?? process.arch}, one thread`,
    relaxedDot: mask === undefined ? 'not exact' : mask === 0 ? 'signed' : 'unsigned',
    node: process.version,
    v8: process.versions.v8,
    commit: `${git('rev-parse', '--short=10', 'HEAD') || 'unknown'}${changed}`,
    packages: Object.fromEntries(
      ['onnxruntime-web', 'onnxruntime-node', 'binaryen'].map((name) => [name, versionOf(name)]),
    ),
  };
}

export function machineLine({ processor, relaxedDot, node, v8, commit, packages }: Machine): string {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return `${processor}; relaxed dot product: ${relaxedDot}; Node ${node} (V8 ${v8}); ${versions.join(', ')}; qc at ${commit}`;
}
