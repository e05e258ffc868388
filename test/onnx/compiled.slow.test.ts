import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { refusedInPrograms } from '../../kernels/index.ts';
import { refusedOperators, refusedUses } from '../../src/onnx/index.ts';
import { runBackendTest, suite, suitePresent } from './backendTest.ts';
import { runCompiledTest } from './compiledTest.ts';

/** ONNX's own backend tests, as ../shared/conformance/README.md describes them. */
interface TestInfo {
  readonly random: boolean;
}

describe.skipIf(!suitePresent)(`ONNX backend tests as wasm (needs ${suite})`, () => {
  const index = suitePresent
    ? (JSON.parse(readFileSync(`${suite}/index.json`, 'utf8')) as Record<string, TestInfo>)
    : {};
  const ids = Object.keys(index).filter((id) => !(index[id] as TestInfo).random);

  it('gives no wrong result, refuses what it cannot do, and passes as many as it ever did', async () => {
    const wrong: string[] = [];
    const unlisted: string[] = [];
    let passed = 0;
    for (const id of ids) {
      const outcome = await runCompiledTest(`${suite}/${id}`);
      if (outcome.status === 'wrong') wrong.push(`${id}: ${outcome.why}`);
      if (outcome.status === 'pass') passed++;
      if (outcome.status === 'refused' && !listed.some((why) => outcome.why.includes(why))) {
        unlisted.push(`${id}: ${outcome.why}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(unlisted).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(minimum);
  });

  it.each(ids.filter((id) => id.startsWith('light/')))('%s passes in the interpreter, in seconds', (id) => {
    const before = process.cpuUsage();
    expect(runBackendTest(`${suite}/${id}`)).toEqual({ status: 'pass', why: '' });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(mostSeconds);
  });
});

/** What docs/operators.md says of operators and uses that are refused. */
const listed = [
  ...[...refusedOperators, ...refusedUses, ...refusedInPrograms].map(({ why }) => why),
  'depends on data',
  'training mode',
];

/** Raise this when more operators get kernels. */
const minimum = 947;

/** Of the processor: 5 on a machine that does nothing else, and as much again for one that does. */
const mostSeconds = 10;
