import { readFileSync } from 'node:fs';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { exportOnnx, importOnnx } from '../../src/onnx/index.ts';
import { runBackendTest, suite, suitePresent } from './backendTest.ts';

// ONNX's backend tests once more, each model imported, exported, and imported again: the answers stay those of ONNX.

/** Every n-th test in an ordinary run; with QC_FULL=1 all. */
const step = process.env.QC_FULL ? 1 : 3;

/** What onnxruntime has no kernel for, or does not take because of its own limits, is no fault of the file. */
const ownLimits =
  /NOT_IMPLEMENTED|Could not find an implementation|not implemented|is under development|Unsupported data type|Failed to find kernel|of operator \(Celu\)/i;

describe.skipIf(!suitePresent)(`exported backend tests (skipped: ${suite} is absent)`, () => {
  it('give the same answers, and onnxruntime takes the files', async () => {
    const index = JSON.parse(readFileSync(`${suite}/index.json`, 'utf8')) as Record<string, { random: boolean }>;
    const ids = Object.keys(index).filter((id) => !index[id]?.random && !id.startsWith('light/'));
    const wrong: string[] = [];
    let [passed, refused] = [0, 0];
    for (const id of ids.filter((_, i) => i % step === 0)) {
      const files: Uint8Array[] = [];
      const again = (module: Module): Module => {
        const bytes = exportOnnx(module);
        files.push(bytes);
        return importOnnx(bytes, { registry });
      };
      if (runBackendTest(`${suite}/${id}`).status !== 'pass') continue;
      const { status, why } = runBackendTest(`${suite}/${id}`, undefined, again);
      if (status === 'pass') passed++;
      else if (status === 'refused' && /cannot be written as ONNX/.test(why)) refused++;
      else wrong.push(`${id}: ${why}`);
      for (const bytes of files.slice(0, 1)) {
        const problem = await InferenceSession.create(bytes, { logSeverityLevel: 4 }).then(
          (session) => void session.release(),
          (error: Error) => error.message,
        );
        if (problem && !ownLimits.test(problem)) wrong.push(`${id}: onnxruntime says ${problem}`);
      }
    }
    console.log(`${passed} exported backend tests agree, ${refused} are refused by name`);
    expect(wrong).toEqual([]);
    expect(passed).toBeGreaterThan(4 * refused);
  });
});
