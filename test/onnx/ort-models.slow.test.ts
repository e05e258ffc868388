import { existsSync, readdirSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '../../src/support/tensor.ts';
import { compareTensors, readTensorFile, runBackendTest } from './backendTest.ts';

// Graphs of onnxruntime's own tests, with the outputs that it gives when it optimizes nothing.

const folder = '../shared/conformance/ort-models';
const present = existsSync(folder);
const names = present ? readdirSync(folder).filter((name) => !name.endsWith('.json')) : [];

/** onnxruntime's own tests allow 1e-5. */
const closely = (actual: HostTensor, expected: HostTensor) => compareTensors(actual, expected, 1e-5);

/**
 * Six convolutions on codes, four times with other operators around them. Where a sum of f32 lies next to a tie, its
 * order decides the code, and the layers after it carry that on; onnxruntime's optimizer, which sums integers, differs
 * from its own unoptimized result by a quantum of one of the two tensors that are added at the end, or of both.
 */
const isChained = (name: string) => name.includes('qdq_with_multi_consumer_dq_nodes');
const [chained = ''] = names.filter(isChained);

interface Difference {
  readonly count: number;
  readonly largest: number;
}

function differenceOf(actual: HostTensor, expected: HostTensor): Difference {
  const wanted = expected.data as Float32Array;
  const differences = Array.from(wanted, (v, i) => Math.abs(v - (actual.data[i] as number))).filter((d) => d > 1e-4);
  return { count: differences.length, largest: Math.max(0, ...differences) };
}

/** How far the outputs of onnxruntime's optimizer are from those without it. */
async function optimizedDifferences(): Promise<Difference[]> {
  const session = await InferenceSession.create(`${folder}/${chained}/model.onnx`, { intraOpNumThreads: 1 });
  const read = (file: string) => readTensorFile(`${folder}/${chained}/test_data_set_0/${file}.pb`);
  const { data, shape } = read('input_0');
  const feeds = { [session.inputNames[0] as string]: new Tensor('float32', data as Float32Array, shape) };
  const outputs = await session.run(feeds);
  return session.outputNames.map((name, i) => {
    const { dims, data: values } = outputs[name] as Tensor;
    return differenceOf({ dtype: 'f32', shape: dims, data: values as Float32Array }, read(`output_${i}`));
  });
}

describe.skipIf(!present)(`models of onnxruntime's tests (skipped: ${folder} is absent)`, () => {
  let allowed: Difference[] = [];
  beforeAll(async () => {
    allowed = await optimizedDifferences();
  });

  /** No farther from the expected output, and in no more elements, than onnxruntime's optimizer. */
  function nearly(actual: HostTensor, expected: HostTensor, output: number): string | undefined {
    const { count, largest } = differenceOf(actual, expected);
    const most = allowed[output] as Difference;
    return count <= most.count && largest <= most.largest + 1e-5
      ? undefined
      : `${count} elements differ by up to ${largest}; onnxruntime's optimizer: ${most.count} by up to ${most.largest}`;
  }

  it.each(names)('%s', { timeout: 20_000 }, (name) => {
    const outcome = runBackendTest(`${folder}/${name}`, isChained(name) ? nearly : closely);
    expect(outcome).toEqual({ status: 'pass', why: '' });
  });
});
