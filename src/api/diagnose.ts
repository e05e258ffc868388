import { clampOf } from '../../passes/clamps.ts';
import { interpret, toReals } from '../interpret/index.ts';
import type { Module, Op, TensorType, Value } from '../ir/index.ts';
import { numbersOf, type Sample } from '../pass/index.ts';
import { choicesIn, isStatic, type Recipe, recipeName, type SchemeName } from '../scheme/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { type CalibrationOptions, calibrationContext, withCalibration } from './calibration.ts';
import type { PrepareOptions } from './compile.ts';
import { Isolated } from './diagnose/isolate.ts';
import { growthInFloat, type Source, sourcesOf, type Twins } from './diagnose/layers.ts';
import { type Blamed, suggestKeptInFloat, suggestWithin } from './diagnose/suggest.ts';
import { bindDimensions } from './dimensions.ts';
import { type Fidelity, Noise } from './measure/noise.ts';
import { constantBytes } from './measure/runner.ts';
import { passes, runPipeline, stagesFor } from './pipeline.ts';
import { copyModule } from './read.ts';
import { checkedRecipe } from './recipe.ts';
import { resultOf } from './signature.ts';

export interface DiagnoseOptions
  extends CalibrationOptions,
    Pick<PrepareOptions, 'dims' | 'keepFloat' | 'instruments' | 'report'> {
  /** A scheme by name, or a recipe. Default `w8a8`. */
  readonly scheme?: Exclude<SchemeName, 'float'> | Recipe;
  /** Samples to measure on. Every one runs the model once for each layer, by the interpreter. */
  readonly dataset: Iterable<Sample>;
  /** Name of the output that is judged. Default: the first. */
  readonly result?: string | undefined;
  /**
   * How much the constants may grow for the suggestion, in bytes or as a share of all. Default: any, where few layers
   * stand out.
   */
  readonly budget?: { readonly bytes: number } | { readonly share: number } | undefined;
}

/** How one quantized layer, or one border where float becomes codes, does. */
export interface LayerDiagnosis {
  /** The model's own name of the node; of an input, its name. */
  readonly node: string;
  /** `quant.qcast` is a border: the rounding of a value that float operations or the caller give. */
  readonly op: string;
  /** What this layer alone does to the model's judged output, all others in float. The list is ranked by its SNR. */
  readonly damage: Fidelity;
  /** The layer's own output when only this layer is quantized: its weights, and its result where that is codes. */
  readonly isolated: Fidelity;
  /** The layer's own output in the fully quantized model. */
  readonly cumulative: Fidelity;
  /** Of the weights other than zero, the share that rounds to zero. */
  readonly zeroWeights: number;
  /** Of the values other than zero, the share that rounds to zero. */
  readonly zeroValues: number;
  /** Share of the values that lie beyond the range of the codes. */
  readonly clippedValues: number;
  /** Where most of its error is made: by rounding weights, or by rounding its values to codes. */
  readonly cause: 'weights' | 'values';
  /** The layers to keep in float against it: itself, or those that read its codes. */
  readonly remedy: readonly string[];
}

export interface Diagnosis {
  readonly samples: number;
  /** The output that was judged. */
  readonly result: string;
  /** The judged output of the fully quantized model. */
  readonly output: Fidelity;
  /** Worst first. */
  readonly layers: readonly LayerDiagnosis[];
  /** Layers to keep in float, and the judged output then, as measured; none where no few layers stand out. */
  readonly suggestion: { readonly keepFloat: readonly string[]; readonly output: Fidelity } | undefined;
}

/**
 * Finds out which layers the error of a quantized model comes from. The quantized model is interpreted as its types
 * say, before `integer/`, which stays within one code of that. The module is not changed.
 *
 * @throws QcError when data does not fit the model, or nothing in it is quantized
 */
export async function diagnose(module: Module, options: DiagnoseOptions): Promise<Diagnosis> {
  const { dataset, keepFloat = [], report = () => {} } = options;
  const result = resultOf(module, options.result);
  const twins = await makeTwins(module, keepFloat, options);
  const sources = sourcesOf(twins);
  if (sources.length === 0) {
    throw new QcError({
      what: 'no layer of the model is quantized',
      why: 'there is no convolution or matrix product that can be computed on codes',
      help: 'qc inspect on a compiled program says why each layer stayed float',
    });
  }
  const isolated = sources.map((source) => new Isolated(source, twins.float));
  const cumulative = new Map(sources.map((source) => [source, new Noise()]));
  const whole = new Noise();
  let samples = 0;
  for (const sample of dataset) {
    samples++;
    const values = floatValues(twins.float, sample);
    const reference = numbersOf(values.outputs[result] as HostTensor);
    for (const one of isolated) one.add(sample, values.all, result, reference);
    const output = runQuantized(twins.quantized, sample, values.all, cumulative);
    whole.add(reference, numbersOf(output[result] as HostTensor));
    report(`measured ${isolated.length} layers on sample ${samples}`);
  }
  if (samples === 0) throw new QcError({ what: 'the data holds no samples', help: 'give at least one' });
  const ranked = isolated.toSorted((a, b) => b.output.share - a.output.share);
  const layers = ranked.map((one) => describe(one, (cumulative.get(one.source) as Noise).fidelity));
  const blamed = ranked.map((one, i) => ({ share: one.output.share, remedy: layers[i]?.remedy ?? [] }));
  const kept = suggested(blamed, twins.quantized, options.budget);
  const suggestion =
    kept.length === 0 ? undefined : { keepFloat: kept, output: await outputWith(module, kept, result, options) };
  return { samples, result, output: whole.fidelity, layers, suggestion };
}

function suggested(blamed: readonly Blamed[], quantized: Module, budget: DiagnoseOptions['budget']): string[] {
  if (!budget) return suggestKeptInFloat(blamed);
  const bytes = 'bytes' in budget ? budget.bytes : budget.share * constantBytes(quantized);
  return suggestWithin(blamed, growthInFloat(quantized), bytes);
}

/** The model in float and quantized, up to the last pass that chooses types. */
async function makeTwins(module: Module, keepFloat: readonly string[], options: DiagnoseOptions): Promise<Twins> {
  const { scheme = 'w8a8', dims = {}, instruments = [], report } = options;
  const recipe = checkedRecipe(scheme);
  refuseRunTimeCodes(recipe);
  const model = withCalibration(stagesFor(recipe, keepFloat).model, options);
  const phases = model.map(({ pass }) => passes.get(pass).phase);
  const start = phases.findIndex((phase) => phase === 'calibrate' || phase === 'quantize');
  const end = phases.lastIndexOf('quantize') + 1;
  const float = copyModule(module);
  await bindDimensions(float, dims, report);
  await runPipeline(float, model.slice(0, start), { instruments });
  const quantized = copyModule(float);
  // Passes of these phases change ops where they are: the pairs hold afterwards.
  const floatOps = [...float.main.body.ops()];
  const floatOf = new Map([...quantized.main.body.ops()].map((op, i): [Op, Op] => [op, floatOps[i] as Op]));
  await runPipeline(quantized, model.slice(start, end), { ...calibrationContext(options).context, instruments });
  return { float, quantized, floatOf };
}

/** @throws QcError for activations that are quantized at run time: their products have no twin in float */
function refuseRunTimeCodes(recipe: Recipe): void {
  if (!choicesIn(recipe).some((choice) => choice.activations && !isStatic(choice))) return;
  throw new QcError({
    what: `the activations of ${recipeName(recipe)} are quantized at run time, which is not measured by layer`,
    why: 'their ranges differ from row to row',
    help: 'measure the weights alone: a scheme with float activations, such as w4a16',
  });
}

/** Every value of a run in float, and the model's outputs. */
function floatValues(module: Module, sample: Sample): { all: Map<Value, HostTensor>; outputs: Sample } {
  const all = new Map<Value, HostTensor>();
  for (const arg of module.main.body.args) all.set(arg, sample[arg.name ?? ''] as HostTensor);
  const outputs = interpret(module, sample, {
    observe: (op, tensor, index) => all.set(op.results[index] as Value, tensor),
  });
  return { all, outputs };
}

/** Runs the quantized model, and compares what each source gives with float. */
function runQuantized(
  module: Module,
  sample: Sample,
  float: ReadonlyMap<Value, HostTensor>,
  cumulative: ReadonlyMap<Source, Noise>,
): Sample {
  const sourceOf = new Map([...cumulative.keys()].map((source) => [source.quantizedOp, source]));
  return interpret(module, sample, {
    observe(op, tensor) {
      const source = sourceOf.get(op);
      if (!source) return;
      const real = toReals(tensor, op.result.type as TensorType).data as Float64Array;
      // Where exact sums go on as float, a fused clamp comes after them.
      const [low, high] = source.floatOp && !source.codes ? clampOf(source.floatOp) : [-Infinity, Infinity];
      const clamped = real.map((x) => Math.min(Math.max(x, low), high));
      cumulative.get(source)?.add((float.get(source.value) as HostTensor).data as Float32Array, clamped);
    },
  });
}

function describe(one: Isolated, cumulative: Fidelity): LayerDiagnosis {
  const { node, op, readers, floatOp } = one.source;
  const cause = floatOp && one.fromConstants.share >= one.fromCodes.share ? 'weights' : 'values';
  return {
    node,
    op,
    damage: one.output.fidelity,
    isolated: one.own.fidelity,
    cumulative,
    zeroWeights: one.weights.zeros,
    zeroValues: one.codes.zeros,
    clippedValues: one.codes.clipped,
    cause,
    remedy: (cause === 'weights' ? [node] : readers).filter((name) => name !== ''),
  };
}

/** The judged output when some layers more are kept in float. */
async function outputWith(
  module: Module,
  kept: readonly string[],
  result: string,
  options: DiagnoseOptions,
): Promise<Fidelity> {
  const { float, quantized } = await makeTwins(module, [...(options.keepFloat ?? []), ...kept], options);
  const noise = new Noise();
  for (const sample of options.dataset) {
    const [reference, output] = [interpret(float, sample), interpret(quantized, sample)];
    noise.add(numbersOf(reference[result] as HostTensor), numbersOf(output[result] as HostTensor));
  }
  return noise.fidelity;
}
