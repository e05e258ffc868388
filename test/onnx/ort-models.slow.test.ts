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

/**
 * Six convolutions on codes. Where a sum of f32 lies next to a tie, its order decides the code, and the layers after it
 * carry that on: few elements may differ, by one quantum of each of the two tensors that are added at the end.
 */
const chained = (name: string) => name.includes('qdq_with_multi_consumer_dq_nodes');
const quanta = 0.33646 + 0.37178;

function nearly(actual: HostTensor, expected: HostTensor): string | undefined {
  const differences = Array.from(expected.data as Float32Array, (v, i) => Math.abs(v - (actual.data[i] as number)));
  const largest = differences.reduce((a, b) => Math.max(a, b), 0);
  const share = differences.filter((d) => d > 1e-4).length / differences.length;
  return share <= 0.005 && largest <= quanta ? undefined : `${share} of the elements differ, by up to ${largest}`;
}

describe.skipIf(!present)(`models of onnxruntime's tests (skipped: ${folder} is absent)`, () => {
  it.each(names)('%s', { timeout: 20_000 }, (name) => {
    const outcome = runBackendTest(`${folder}/${name}`, chained(name) ? nearly : closely);
    expect(outcome).toEqual({ status: 'pass', why: '' });
  });
});
