import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = resolve('../shared/conformance/malformed');
const present = existsSync(`${folder}/cases.json`);

interface Case {
  readonly id: string;
  readonly expect: string;
}

interface Measured {
  readonly id: string;
  readonly outcome: 'run' | 'reject' | 'crash';
  readonly milliseconds: number;
  /** The most memory that the process has held so far. */
  readonly megabytes: number;
}

const cases = present ? (JSON.parse(readFileSync(`${folder}/cases.json`, 'utf8')) as Case[]) : [];

/** Imports and runs the cases one after the other in a process of its own, as the command line reads files. */
function measure(): Measured[] {
  const script = fileURLToPath(new URL('malformedProcess.ts', import.meta.url));
  const paths = cases.map(({ id }) => join(folder, id, 'model.onnx')).filter((path) => existsSync(path));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--no-warnings', script, ...paths], {
    encoding: 'utf8',
    timeout: 250_000,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Measured[];
}

describe.skipIf(!present)(`malformed models in a process (skipped: ${folder} is absent)`, () => {
  it('are refused or run as they should, each under 5 s and 500 MB', () => {
    const measured = new Map(measure().map((one) => [one.id, one]));
    const wrong: string[] = [];
    for (const { id, expect: expected } of cases) {
      const one = measured.get(id);
      if (!one) continue;
      const right = expected.includes('-or-') ? one.outcome !== 'crash' : one.outcome === expected;
      if (!right || one.milliseconds > 5000 || one.megabytes > 500) wrong.push(JSON.stringify({ ...one, expected }));
    }
    expect(wrong).toEqual([]);
    expect(measured.size).toBeGreaterThan(40);
  });
});
