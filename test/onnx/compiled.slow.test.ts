import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { suite, suitePresent } from './backendTest.ts';
import { runCompiledTest } from './compiledTest.ts';

/** ONNX's own backend tests, as ../shared/conformance/README.md describes them. */
interface TestInfo {
  readonly random: boolean;
}

describe.skipIf(!suitePresent)(`ONNX backend tests as wasm (needs ${suite})`, () => {
  const index = suitePresent
    ? (JSON.parse(readFileSync(`${suite}/index.json`, 'utf8')) as Record<string, TestInfo>)
    : {};
  // The models of light/ have no weights that mean anything: they come without inputs.
  const ids = Object.keys(index).filter((id) => !(index[id] as TestInfo).random && !id.startsWith('light/'));

  it('gives no wrong result, refuses what it cannot do, and passes as many as it ever did', async () => {
    const wrong: string[] = [];
    let passed = 0;
    for (const id of ids) {
      const outcome = await runCompiledTest(`${suite}/${id}`);
      if (outcome.status === 'wrong') wrong.push(`${id}: ${outcome.why}`);
      if (outcome.status === 'pass') passed++;
    }
    expect(wrong).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(minimum);
  });
});

/** Raise this when more operators get kernels. */
const minimum = 905;
