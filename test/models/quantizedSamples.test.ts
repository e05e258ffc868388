import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor } from '../../passes/pipelines.ts';
import { readNpz } from '../../src/calibrate/data/npz.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';

const models = '../shared/models';

interface Case {
  readonly name: string;
  /** For each output, with the model's samples as calibration data. */
  readonly leastSnr: number;
  readonly dims?: readonly string[];
  readonly symbols?: Readonly<Record<string, number>>;
}

const cases: readonly Case[] = [
  { name: 'blazeface_front_128', leastSnr: 15 },
  { name: 'ultraface_RFB_320', leastSnr: 40 },
  { name: 'silero_vad_16k_op15', leastSnr: 25, symbols: { sequence: 576 } },
  { name: 'vit_mnist', leastSnr: 35 },
  { name: 'stories260K', leastSnr: 25, dims: ['T=64'] },
  { name: 'stories260K_kv', leastSnr: 35, dims: ['T=1', 'P=16'] },
];

type Named = Readonly<Record<string, HostTensor>>;

interface Sample {
  readonly inputs: Named;
  readonly outputs: Named;
}

const shapesOf = (inputs: Named): string => JSON.stringify(Object.values(inputs).map(({ shape }) => shape));

/** The inputs of a model's samples, and what onnxruntime answered. */
function samplesOf(name: string): Sample[] {
  const folder = `${models}/${name}.io`;
  const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8'));
  return manifest.samples.map(
    ({ file, inputs, outputs }: Record<'inputs' | 'outputs', { name: string; key: string }[]> & { file: string }) => {
      const arrays = readNpz(new Uint8Array(readFileSync(`${folder}/${file}`)), file);
      const named = (list: { name: string; key: string }[]) =>
        Object.fromEntries(list.map((one) => [one.name, arrays.get(one.key) as HostTensor]));
      return { inputs: named(inputs), outputs: named(outputs) };
    },
  );
}

function snr(reference: ArrayLike<number>, actual: ArrayLike<number>): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    signal += (reference[i] as number) ** 2;
    noise += ((reference[i] as number) - (actual[i] as number)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

describe.skipIf(!existsSync(models))(`w8a8 in wasm on detectors, transformers and states (needs ${models})`, () => {
  it.each(cases)('$name: at least $leastSnr dB', { timeout: 120_000 }, async ({ name, leastSnr, dims, symbols }) => {
    const [first, ...others] = samplesOf(name) as [Sample, ...Sample[]];
    // Some models come with a second sample in another batch size.
    const samples = [first, ...others.filter(({ inputs }) => shapesOf(inputs) === shapesOf(first.inputs))];
    const module = importOnnx(new Uint8Array(readFileSync(`${models}/${name}.onnx`)), { registry, symbols });
    const sizes = `bind-dims{dims=${JSON.stringify(dims ?? [])}}`;
    const context = { calibration: samples.map(({ inputs }) => inputs), target: wasmTarget, report: () => {} };
    await runPipeline(module, pipelineFor('w8a8').replace('bind-dims', sizes), {
      passes: allPasses,
      registry,
      context,
    });
    const program = await runWasm(module);
    const fed = Object.entries(first.inputs).map(([input, { data }]): [string, TypedArray] => [input, data]);
    const actual = program.run(Object.fromEntries(fed));
    const quality = Object.entries(first.outputs).map(([output, { data }]) => {
      return [output, snr(data as Float32Array, actual[output] as Float32Array)] as const;
    });
    console.log(`${name}: ${quality.map(([output, value]) => `${output} ${value.toFixed(1)} dB`).join(', ')}`);
    for (const [output, value] of quality) expect(value, output).toBeGreaterThanOrEqual(leastSnr);
  });
});
