import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import * as nn from '../../dialects/nn/index.ts';
import { allPasses } from '../../passes/index.ts';
import { wasmProbe } from '../../src/api/probe.ts';
import { type Module, quantOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import { printModule } from '../../src/text/index.ts';
import { GraphBuilder, input, run, wave } from './graphs.ts';

const shape = [1, 4, 6, 6];
const samples = [1, 2, 3].map((seed) => input(shape, wave(144, seed)));
const same = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };

function network(): Module {
  const graph = new GraphBuilder(shape);
  const conv = (x: Value, seed: number) => {
    const w = graph.constant(
      [4, 4, 3, 3],
      wave(144, seed).map((v) => v / 4),
    );
    return graph.op(nn.conv, [x, w, graph.constant([4], wave(4, seed + 1))], { ...same, clamp: [0, 6] });
  };
  const first = conv(graph.x, 10);
  return graph.finish(conv(graph.op(nn.add, [conv(first, 20), first]), 30));
}

/** A large matrix product behind inputs that are exact in 8 bits, and a small one behind what it gives. */
function matrices(): Module {
  const graph = new GraphBuilder([1, 64]);
  const hidden = graph.op(nn.matmul, [graph.x, graph.constant([64, 64], wave(4096, 3))], { clamp: [0, 100] });
  return graph.finish(graph.op(nn.matmul, [hidden, graph.constant([64, 4], wave(256, 5))]));
}
const wholeCodes = [1, 2, 3].map((seed) => {
  const codes = wave(62, seed).map((v) => Math.round(100 + 90 * v) / 255);
  return input([1, 64], [0, 1, ...codes]);
});

/** The module after passes, what they reported, and the statistics that they kept. */
async function ranThrough(pipeline: string, statistics?: string, module = network(), inputs = samples) {
  const reports: string[] = [];
  const kept: string[] = [];
  const calibration = inputs.map((x) => ({ x }));
  const context = {
    calibration,
    probe: wasmProbe,
    report: (line: string) => reports.push(line),
    keepStatistics: (text: string) => kept.push(text),
    ...(statistics === undefined ? {} : { statistics }),
  };
  await runPipeline(module, pipeline, { passes: allPasses, registry, context });
  return { module, reports, kept };
}

const calibrated = 'insert-observers,calibrate';

/** How many quantized values have codes of so many bits, borders and constants left out. */
const codesOf = (module: Module, storage: string): number =>
  [...module.ops()].filter(({ name, results: [y] }) => {
    if (name === 'nn.constant' || y?.type.kind !== 'tensor') return false;
    return quantOf(y.type as TensorType)?.storage === storage;
  }).length;

/** Σ (float − quantized)² over the samples. */
function noise(module: Module): number {
  const float = network();
  return samples.reduce((sum, sample) => {
    const reference = run(float, sample);
    const output = run(module, sample);
    return sum + reference.reduce((part, x, i) => part + (x - (output[i] as number)) ** 2, 0);
  }, 0);
}

describe('raise-activations', () => {
  it('looks at samples from all over the data', async () => {
    const silent = Array.from({ length: 70 }, () => input([1, 64], new Array<number>(64).fill(0)));
    const loud = [1, 2, 3].map((seed) => input([1, 64], wave(64, seed)));
    const pipeline = `${calibrated},raise-activations{least_snr=60},quantize`;
    const { module } = await ranThrough(pipeline, undefined, matrices(), [...silent, ...loud, ...loud]);
    expect(codesOf(module, 'i16')).toBeGreaterThan(0);
  });

  it('leaves all at 8 bits where their noise is small enough', async () => {
    const { module, reports } = await ranThrough(`${calibrated},raise-activations{least_snr=10},quantize`);
    expect(codesOf(module, 'i16')).toBe(0);
    expect(reports.join('\n')).not.toContain('16 bits');
  });

  it('raises more of them the less noise they may make', async () => {
    const snrs = [0, 54, 80];
    const modules = await Promise.all(
      snrs.map((snr) => ranThrough(`${calibrated},raise-activations{least_snr=${snr}},quantize`)),
    );
    const counts = modules.map(({ module }) => codesOf(module, 'i16'));
    const noises = modules.map(({ module }) => noise(module));
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThan(0);
    expect(counts[2]).toBeGreaterThan(counts[1] as number);
    expect(codesOf(modules[2]?.module as Module, 'i8')).toBe(0);
    expect(noises[1]).toBeLessThan(noises[0] as number);
    expect(noises[2]).toBeLessThan(noises[1] as number);
  });

  it('raises from one bound on to another', async () => {
    const enough = await ranThrough(`${calibrated},raise-activations{least_snr=10,raised_snr=54},quantize`);
    expect(codesOf(enough.module, 'i16')).toBe(0);
    const needed = await ranThrough(`${calibrated},raise-activations{least_snr=50,raised_snr=54},quantize`);
    const asked = await ranThrough(`${calibrated},raise-activations{least_snr=54},quantize`);
    expect(printModule(needed.module).text).toBe(printModule(asked.module).text);
  });

  it('takes 16 bits for little where few matrix products read them, and never where convolutions do', async () => {
    const pass = 'insert-observers,calibrate{observer=minmax},raise-activations{least_snr=10,cheap_snr=70},quantize';
    const convolutions = await ranThrough(pass);
    expect(codesOf(convolutions.module, 'i16')).toBe(0);
    const products = await ranThrough(pass, undefined, matrices(), wholeCodes);
    const wide = [...products.module.ops()].filter(({ results: [y] }) => {
      return y?.type.kind === 'tensor' && quantOf(y.type as TensorType)?.storage === 'i16';
    });
    expect(wide.map(({ source }) => source)).toEqual(['layer 1']);
  });

  it('takes them for much work too where all of it is matrix products, to another bound', async () => {
    const inputs = [1, 2, 3].map((seed) => input([1, 64], wave(64, seed)));
    const pipeline = (cheap: number, products: number) =>
      `insert-observers,calibrate{observer=minmax},raise-activations{least_snr=10,cheap_snr=${cheap},products_snr=${products}},quantize`;
    const wide = async (cheap: number, products: number) =>
      codesOf((await ranThrough(pipeline(cheap, products), undefined, matrices(), inputs)).module, 'i16');
    expect(await wide(70, 0)).toBe(0);
    expect(await wide(70, 80)).toBe(2);
    expect(await wide(10, 80)).toBe(0);
    expect(codesOf((await ranThrough(pipeline(70, 80))).module, 'i16')).toBe(0);
  });

  it('changes nothing but the marks', async () => {
    const [before, marked] = [
      await ranThrough(calibrated),
      await ranThrough(`${calibrated},raise-activations{least_snr=80}`),
    ];
    const text = printModule(marked.module).text;
    expect(text).toContain('bits = 16');
    expect(text.replaceAll(', bits = 16', '')).toBe(printModule(before.module).text);
  });

  it('decides the same from its statistics as from samples', async () => {
    const pipeline = `${calibrated},raise-activations{least_snr=54},quantize`;
    const { module, kept } = await ranThrough(pipeline);
    const [seen, raised] = kept.map((text) => JSON.parse(text));
    const again = await ranThrough(pipeline, JSON.stringify({ ...seen, raised: raised.raised }));
    expect(printModule(again.module).text).toBe(printModule(module).text);
  });

  it('gives 16 bits to what a layer reads and gives, where the recipe says so', async () => {
    const rule = { match: 'layer 2', activations: { storage: 'i16' } };
    const recipe = JSON.stringify(JSON.stringify({ scheme: 'w8a8', layers: [rule] }));
    const { module } = await ranThrough(
      `insert-observers{recipe=${recipe}},calibrate,raise-activations{recipe=${recipe}},quantize{recipe=${recipe}}`,
    );
    const wide = [...module.ops()].filter((op) => {
      const type = op.results[0]?.type;
      return type?.kind === 'tensor' && quantOf(type as TensorType)?.storage === 'i16';
    });
    expect(wide.map(({ name }) => name)).toEqual(['quant.qcast', 'nn.conv']);
  });
});
