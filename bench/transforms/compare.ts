import { registry } from '../../dialects/index.ts';
import { add, mul } from '../../dialects/nn/binary.ts';
import { constantName, floatConstantOf } from '../../passes/constants.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelines } from '../../passes/pipelines.ts';
import { interpret, type Tensors } from '../../src/interpret/index.ts';
import { type Module, Resource, Rewriter } from '../../src/ir/index.ts';
import { runPipeline, type Sample } from '../../src/pass/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { type SharedSample, sharedModel, sharedSamples, symbolsOf } from '../../test/models/sharedSamples.ts';
import { type KindName, kinds } from './kinds.ts';

/** What a transform does to a model's results, over their largest magnitude. */
export interface Comparison {
  readonly places: number;
  /** Computed in f64, with constants that are not rounded. */
  readonly exact: number;
  /** As it is computed, beside the model as it was. */
  readonly f32: number;
}

/** Tokens of decoders and encoders that are compared: interpreting takes time. */
const mostTokens = 12;

const floatModel = async (name: string): Promise<Module> => {
  const module = sharedModel(name, symbolsOf(name));
  await runPipeline(module, (pipelines.float as readonly string[]).join(','), { passes: allPasses, registry });
  return module;
};

/** A sample whose rows of tokens are cut, where the model leaves their number open. */
function short({ inputs }: SharedSample, { main }: Module): Sample {
  const isOpen = main.body.args.every(({ type }) => type.kind !== 'tensor' || typeof type.shape[1] !== 'number');
  if (!isOpen) return inputs as Sample;
  return Object.fromEntries(
    Object.entries(inputs).map(([key, tensor]) => {
      const tokens = Math.min(mostTokens, tensor.shape[1] as number);
      return [key, { ...tensor, shape: [1, tokens], data: tensor.data.slice(0, tokens) } as HostTensor];
    }),
  );
}

/** The nearest power of two, of the same sign. */
const powerOf = (x: number): number => (x === 0 ? 0 : Math.sign(x) * 2 ** Math.round(Math.log2(Math.abs(x))));

/** Constants of which products and sums are exact in f32: factors are powers of two, all others have 8 bits behind the point. */
function coarsen(module: Module): void {
  const rewriter = new Rewriter();
  for (const op of [...module.main.body.ops()]) {
    const data = floatConstantOf(op.results[0])?.data as Float32Array | undefined;
    if (!data || data.length === 1) continue;
    const isFactor = [...op.result.users].some((user) => mul.is(user));
    const coarse = data.map((x) => (isFactor ? powerOf(x) : Math.round(x * 256) / 256));
    rewriter.setAttributes(op, { value: Resource.of(constantName(op.result, op.source), 'f32', coarse) });
  }
}

/**
 * Folds gains and offsets of normalizations into layers, of a model whose constants are coarse, so that folding rounds none.
 * `places`: elementwise products and sums that are gone.
 */
export async function foldedNorms(name: string): Promise<Comparison> {
  const [before, after] = [await unfolded(name), await unfolded(name)];
  const count = () => [...after.main.body.ops()].filter((op) => mul.is(op) || add.is(op)).length;
  const samples = sharedSamples(name).map((sample) => short(sample, before));
  const all = count();
  await runPipeline(after, 'fold-affine', { passes: allPasses, registry });
  const differences = (precision: 'f64' | 'f32') =>
    samples.map((inputs) =>
      difference(interpret(before, inputs, { precision }), interpret(after, inputs, { precision })),
    );
  return {
    places: all - count(),
    exact: Math.max(...differences('f64')),
    f32: Math.max(...differences('f32')),
  };
}

async function unfolded(name: string): Promise<Module> {
  const steps: readonly string[] = pipelines.float as readonly string[];
  const module = sharedModel(name, symbolsOf(name));
  await runPipeline(module, steps.slice(0, steps.indexOf('fold-affine')).join(','), { passes: allPasses, registry });
  coarsen(module);
  return module;
}

/** A model as it was, and what it gives. */
interface Reference {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly f64: readonly Tensors[];
  readonly f32: readonly Tensors[];
}

/** That of the model before: transforms of one model follow one another. */
let last: Reference | undefined;

async function referenceOf(name: string): Promise<Reference> {
  if (last?.name === name) return last;
  const module = await floatModel(name);
  const samples = sharedSamples(name).map((sample) => short(sample, module));
  const results = (precision: 'f64' | 'f32') => samples.map((inputs) => interpret(module, inputs, { precision }));
  last = { name, samples, f64: results('f64'), f32: results('f32') };
  return last;
}

/** Applies a transform at all its places, and compares results on the model's samples. */
export async function compared(name: string, kind: KindName): Promise<Comparison> {
  const { samples, f64, f32 } = await referenceOf(name);
  const module = await floatModel(name);
  const { places, exact } = await kinds[kind](module, { calibration: samples, report: () => {} } as never);
  const found = { exact: 0, f32: 0 };
  for (const [i, inputs] of places > 0 ? samples.entries() : []) {
    const same = interpret(module, inputs, { precision: 'f64', known: exact });
    found.exact = Math.max(found.exact, difference(f64[i] as Tensors, same));
    found.f32 = Math.max(found.f32, difference(f32[i] as Tensors, interpret(module, inputs)));
  }
  return { places, ...found };
}

function difference(a: Tensors, b: Tensors): number {
  return Math.max(
    ...Object.entries(a).map(([name, { data }]) => {
      const other = b[name]?.data as Float64Array;
      const values = Array.from(data as Float64Array, Number);
      const most = values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      return values.reduce((m, x, i) => Math.max(m, Math.abs(x - Number(other[i]))), 0) / (most || 1);
    }),
  );
}
