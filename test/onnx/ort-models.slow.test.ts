import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../src/support/tensor.ts';
import { compareTensors, runBackendTest } from './backendTest.ts';

// Graphs of onnxruntime's own tests, with the outputs that it gives when it optimizes nothing.

const folder = '../shared/conformance/ort-models';
const present = existsSync(folder);
const names = present ? readdirSync(folder).filter((name) => !name.endsWith('.json')) : [];

/** onnxruntime's own tests allow 1e-5. */
const closely = (actual: HostTensor, expected: HostTensor) => compareTensors(actual, expected, 1e-5);

describe.skipIf(!present)(`models of onnxruntime's tests (skipped: ${folder} is absent)`, () => {
  it.each(names)('%s', { timeout: 20_000 }, (name) => {
    const outcome = runBackendTest(`${folder}/${name}`, closely);
    expect(outcome).toEqual({ status: 'pass', why: '' });
  });
});
