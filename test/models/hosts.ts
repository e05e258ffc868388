import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A JavaScript engine, as a command. */
export interface Host {
  readonly name: string;
  readonly command: string;
  readonly flags: readonly string[];
}

const packages = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** Node in three versions, and without the instructions that make the relaxed dot product exact on x86. */
export const hosts: readonly Host[] = [
  { name: 'Node 24', command: join(packages, '.bin/node'), flags: [] },
  { name: 'Node 24 without AVX-VNNI', command: join(packages, '.bin/node'), flags: ['--no-enable-avx-vnni'] },
  { name: 'Node 22', command: join(packages, 'node22/bin/node'), flags: [] },
  { name: 'Node 20', command: join(packages, 'node20/bin/node'), flags: [] },
];

/** Those that are not installed here: packages with binaries are for one platform each. */
export const missingHosts: readonly string[] = hosts
  .filter(({ command }) => !existsSync(command))
  .map(({ name }) => name);

export type Requested = 'baseline' | 'relaxed' | 'auto';

/** What came of an instruction path: the one that was used and hashes of every output, row by row, or why not. */
export type Outcome =
  | { readonly simd: 'baseline' | 'relaxed'; readonly rows: readonly Readonly<Record<string, string>>[] }
  | { readonly refused: string };

/** Runs the artifact in `folder` on its `input.bin`, in a process of its own. */
export function runOnHost({ name, command, flags }: Host, folder: string): Record<Requested, Outcome> {
  const script = fileURLToPath(new URL('artifactProcess.mjs', import.meta.url));
  const args = [...flags, script, folder, 'baseline', 'relaxed', 'auto'];
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} could not run the artifact: ${stderr}`);
  return JSON.parse(stdout) as Record<Requested, Outcome>;
}
