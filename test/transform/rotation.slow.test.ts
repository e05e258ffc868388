import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelines } from '../../passes/pipelines.ts';
import { ConstantEdits } from '../../passes/transform/rotation/constantEdits.ts';
import { transformInput } from '../../passes/transform/rotation/inputs.ts';
import { randomHadamard, randomOrthogonal } from '../../passes/transform/rotation/orthogonal.ts';
import { type MatrixOf, rotate, uncentre } from '../../passes/transform/rotation/rotateSites.ts';
import { transformScores } from '../../passes/transform/rotation/scores.ts';
import {
  type FoundSites,
  headValues,
  layerInputs,
  residualStreams,
  rotaryScores,
} from '../../passes/transform/structure/rotationSites.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import { hadamardPart } from '../../src/numerics/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { hasSharedModels, type SharedSample, sharedModel, sharedSamples } from '../models/sharedSamples.ts';

const whole = (channels: number) => channels;

/** What one kind of rotation does to a module: how many places it finds, and the new constants before they are rounded. */
type Kind = (module: Module) => { readonly places: number; readonly exact: ReadonlyMap<Value, HostTensor> };

const byConstants =
  (find: (module: Module) => FoundSites, matrixOf: MatrixOf): Kind =>
  (module) => {
    const { sites } = find(module);
    const edits = new ConstantEdits();
    for (const site of sites) rotate(edits, site, matrixOf(site.channels.block, []));
    const exact = edits.commit();
    for (const site of sites) uncentre(site);
    return { places: sites.length, exact };
  };

const kinds = {
  residual: byConstants(
    ({ main }) => residualStreams(main.body, whole),
    (block) => randomHadamard(block, 1),
  ),
  'residual, in blocks': byConstants(
    ({ main }) => residualStreams(main.body, (channels) => (channels % 32 === 0 ? 32 : channels)),
    (block) => randomOrthogonal(block, 2),
  ),
  heads: byConstants(
    ({ main }) => headValues(main.body, whole),
    (block) => randomHadamard(block, 3),
  ),
  scores: ({ main }) => {
    const places = rotaryScores(main.body);
    for (const place of places) transformScores(place, hadamardPart(place.channels));
    return { places: places.length, exact: new Map() };
  },
  inputs: ({ main }) => {
    const places = layerInputs(main.body, whole);
    const constants = places.flatMap((place) => {
      const block = hadamardPart(place.channels);
      return block > 1 ? [...transformInput(place, block)] : [];
    });
    return { places: places.length, exact: new Map(constants) };
  },
} as const satisfies Record<string, Kind>;

/**
 * Places by kind, from the architectures in ../shared/models/README-trained.md: a residual stream a decoder or image
 * model, values of each attention, scores of each attention with positions that turn, the last layer of each block. A
 * post-norm encoder has no stream but its embedding, and all its layers read what other layers made; with a cache, values
 * are results of the model.
 */
const models = {
  llama_char: [1, 1, 6, 6, 6],
  llama_char_kv: [1, 1, 0, 6, 6 * 2],
  stories260K: [1, 1, 5, 5, 5],
  vit_mnist: [1, 1, 6, 0, 6],
  rxnmapper_albert: [1, 1, 12, 0, 12 * 3 + 2],
  mamba_char_step: [1, 1, 0, 0, 4 * 3],
} as const;

const floatModel = async (name: string): Promise<Module> => {
  const module = sharedModel(name);
  await runPipeline(module, (pipelines.float as readonly string[]).join(','), { passes: allPasses, registry });
  return module;
};

/** Samples whose rows are cut to a few tokens, where the model leaves their number open: interpreting takes time. */
function short({ inputs }: SharedSample, name: string): Readonly<Record<string, HostTensor>> {
  if (name === 'vit_mnist' || !/^(llama_char|stories260K|rxnmapper_albert)$/.test(name)) return inputs;
  return Object.fromEntries(
    Object.entries(inputs).map(([key, tensor]) => {
      const tokens = Math.min(12, tensor.shape[1] as number);
      return [key, { ...tensor, shape: [1, tokens], data: tensor.data.slice(0, tokens) } as HostTensor];
    }),
  );
}

function largestDifference(a: Record<string, HostTensor>, b: Record<string, HostTensor>): number {
  return Math.max(
    ...Object.entries(a).map(([name, { data }]) => {
      const other = b[name]?.data as Float64Array;
      const values = Array.from(data as Float64Array, Number);
      const most = values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      return values.reduce((m, x, i) => Math.max(m, Math.abs(x - Number(other[i]))), 0) / (most || 1);
    }),
  );
}

describe.skipIf(!hasSharedModels)('rotations of real transformers', { timeout: 300_000 }, () => {
  const all = Object.entries(models).flatMap(([model, counts]) =>
    Object.keys(kinds).map((kind, i) => [model, kind as keyof typeof kinds, counts[i] as number] as const),
  );
  const sampled = all.filter(([model, kind]) => {
    return (
      model === 'stories260K' || (kind === 'residual' && model !== 'llama_char_kv') || model + kind === 'vit_mnistheads'
    );
  });
  const cases = process.env.QC_FULL ? all : sampled;
  it.each(cases)('%s, %s: %i places, equal to 1e-9 in f64', async (name, kind, count) => {
    const [before, after] = [await floatModel(name), await floatModel(name)];
    const { places, exact } = kinds[kind](after);
    expect(places).toBe(count);
    const samples = sharedSamples(name).slice(0, count > 0 ? 2 : 0);
    for (const sample of samples) {
      const inputs = short(sample, name);
      const expected = interpret(before, inputs, { precision: 'f64' });
      expect(largestDifference(expected, interpret(after, inputs, { precision: 'f64', known: exact }))).toBeLessThan(
        1e-9,
      );
      expect(largestDifference(expected, interpret(after, inputs))).toBeLessThan(1e-4);
    }
  });
});
