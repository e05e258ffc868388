import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor } from '../../passes/pipelines.ts';
import { readNpz } from '../../src/calibrate/data/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { PassRegistry, runPipeline } from '../../src/pass/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

// Whole models in float wasm against the answers of onnxruntime that lie beside them.

const models = '../shared/models';
/** As a share of the largest magnitude of an output. */
const tolerance = 1e-3;

/** The sizes that a model's first sample has, where the model leaves them open. */
const sizes: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  vit_mnist: {},
  llama_char: { sequence: 64 },
  rxnmapper_albert: { T: 64 },
  stories260K: { T: 64 },
  stories260K_kv: { T: 1, P: 16 },
  blazeface_front_128: {},
  ultraface_RFB_320: {},
  yolox_nano_416: {},
  ddpm_mnist: {},
  mamba_char_step: {},
  silero_vad_16k_op15: { batch: 1, sequence: 576 },
};

interface Entry {
  readonly name: string;
  readonly key: string;
}

interface Sample {
  readonly file: string;
  readonly inputs: readonly Entry[];
  readonly outputs: readonly Entry[];
}

const passes = new PassRegistry(allPasses);
const read = (path: string) => new Uint8Array(readFileSync(path));

/** The largest difference as a share of the expected values' largest magnitude. */
function relativeError(actual: ArrayLike<number | bigint>, expected: HostTensor): number {
  const [got, wanted] = [Array.from(actual, Number), Array.from(expected.data as Float32Array, Number)];
  expect(got.length).toBe(wanted.length);
  const largest = wanted.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-30);
  const worst = wanted.reduce((most, v, i) => {
    const difference = Math.abs(v - (got[i] as number));
    return difference <= most ? most : Number.isNaN(difference) ? Infinity : difference;
  }, 0);
  return worst / largest;
}

describe('models in float wasm, against their samples', () => {
  for (const [name, dims] of Object.entries(sizes)) {
    const path = `${models}/${name}.onnx`;
    it.skipIf(!existsSync(path))(`${name} (skipped where ../shared/models is absent)`, async () => {
      const module = importOnnx(read(path), { registry, symbols: dims, fileName: path });
      const context = { registry, target: wasmTarget, report: () => {} };
      await runPipeline(module, pipelineFor('float'), { passes, registry, context });
      const program = await runWasm(module, { simd: 'baseline' });
      const manifest = JSON.parse(readFileSync(`${models}/${name}.io/manifest.json`, 'utf8')) as {
        samples: readonly [Sample];
      };
      const [sample] = manifest.samples;
      const tensors = readNpz(read(`${models}/${name}.io/${sample.file}`), sample.file);
      const tensor = (key: string) => tensors.get(key) as HostTensor;
      const given = Object.fromEntries(sample.inputs.map((entry) => [entry.name, tensor(entry.key).data]));
      const outputs = program.run(given);
      for (const { name: output, key } of sample.outputs) {
        const error = relativeError(outputs[output] as Float32Array, tensor(key));
        expect(error, output).toBeLessThanOrEqual(tolerance);
      }
    });
  }
});
