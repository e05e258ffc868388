import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, importOnnx, instantiate } from '../../src/index.ts';
import { decodeTensorFile, hostTensor, readTensor } from '../../src/onnx/proto/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

const folder = '../shared/conformance/ort-models';

const readTensors = (dir: string, kind: string): HostTensor[] =>
  readdirSync(dir)
    .filter((name) => name.startsWith(`${kind}_`))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => hostTensor(readTensor(decodeTensorFile(new Uint8Array(readFileSync(join(dir, name)))))));

interface Quantized {
  readonly name: string;
  /** Of multiply-adds, in integers. */
  readonly share: number;
  /** One step of the codes of the output. */
  readonly quantum: number;
}

/** Graphs of onnxruntime's tests with convolutions or matrix products between casts. */
const graphs: readonly Quantized[] = [
  { name: 'conv.int4_weights.qdq', share: 1, quantum: 0.0784314 },
  { name: 'transform__fusion__constant_folding_dequantizelinear', share: 1, quantum: 1e-5 },
  { name: 'transform__qdq_optimization__dup_qdq', share: 0, quantum: 0.0247961 },
  { name: 'layout_transform_const_folding.qdq', share: 1, quantum: 0.02736 },
  { name: 'qdq_with_multi_consumer_q_dq_axis', share: 1, quantum: 0.0239456 },
  { name: 'transform__qdq_conv', share: 1, quantum: 1 },
  { name: 'transform__runtime_optimization__qdq_convs', share: 1, quantum: 1 },
  // Its result is the sum of two tensors of codes, each within one quantum.
  { name: 'transform__qdq_with_multi_consumer_dq_nodes.fixed', share: 1, quantum: 0.33646 + 0.37178 },
];

describe.skipIf(!existsSync(folder))(`graphs of onnxruntime's tests in integers (skipped: ${folder} is absent)`, () => {
  it.each(graphs)('$name', async ({ name, share, quantum }) => {
    const bytes = new Uint8Array(readFileSync(`${folder}/${name}/model.onnx`));
    const module = importOnnx(bytes);
    const names = module.main.body.args.map((arg) => arg.name as string);
    const artifact = await compile(module, { target: 'wasm' });
    expect(artifact.manifest).toMatchObject({ scheme: 'qdq', integerShare: share });
    const data = `${folder}/${name}/test_data_set_0`;
    const inputs = readTensors(data, 'input');
    const program = await instantiate(artifact.files);
    const answers = Object.values(
      program.run(Object.fromEntries(names.map((one, i) => [one, inputs[i] as HostTensor]))),
    );
    readTensors(data, 'output').forEach((expected, i) => {
      const mine = answers[i] as HostTensor;
      const limit = expected.dtype === 'f32' ? quantum * 1.001 : 1;
      const worst = Array.from(expected.data as Float32Array).reduce(
        (most, v, k) => Math.max(most, Math.abs(Number(v) - Number(mine.data[k]))),
        0,
      );
      expect(worst, `output ${i}`).toBeLessThanOrEqual(limit);
    });
  });
});
