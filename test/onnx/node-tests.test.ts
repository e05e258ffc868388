import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runBackendTest, suite, suitePresent } from './backendTest.ts';

/** ONNX's own backend tests, as ../shared/conformance/README.md describes them. */
interface TestInfo {
  readonly random: boolean;
  readonly types: readonly string[];
}

const common = new Set(['FLOAT', 'INT64', 'INT32', 'INT8', 'UINT8', 'BOOL']);

describe.skipIf(!suitePresent)(`ONNX backend tests (skipped: ${suite} is absent)`, () => {
  const index = suitePresent
    ? (JSON.parse(readFileSync(`${suite}/index.json`, 'utf8')) as Record<string, TestInfo>)
    : {};
  const ids = Object.keys(index).filter((id) => {
    const info = index[id] as TestInfo;
    // The large models of light/ run with the compiled ones.
    return !info.random && !id.startsWith('light/');
  });

  it('gives no wrong result, and passes as many as it ever did', { timeout: 60_000 }, () => {
    const wrong: string[] = [];
    let passed = 0;
    let passedCommon = 0;
    for (const id of ids) {
      const outcome = runBackendTest(`${suite}/${id}`);
      if (outcome.status === 'wrong') wrong.push(`${id}: ${outcome.why}`);
      if (outcome.status !== 'pass') continue;
      passed++;
      if ((index[id] as TestInfo).types.every((type) => common.has(type))) passedCommon++;
    }
    expect(wrong).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(minimum.all);
    expect(passedCommon).toBeGreaterThanOrEqual(minimum.common);
  });
});

/** Raise these when more operators come. */
const minimum = { all: 1091, common: 882 };
