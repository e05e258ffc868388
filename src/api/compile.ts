import { dcast } from '../../dialects/quant/dcast.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { carriedScheme, threading } from '../../passes/pipelines.ts';
import { type Module, type Size, sizeIn } from '../ir/index.ts';
import { type FrontPoint, type Instrument, type Pipeline, parsePipeline, timeLimit } from '../pass/index.ts';
import {
  choicesIn,
  isCalibrated,
  isFloatLayer,
  isIntegerOnly,
  type Recipe,
  recipeName,
  type SchemeName,
} from '../scheme/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { type Limits, limitsWith, startClock } from '../support/limits.ts';
import { elementBytes } from '../support/tensor.ts';
import type { Schedules } from '../target/index.ts';
import {
  type CalibrationOptions,
  type CalibrationRecord,
  calibrationContext,
  hasCalibration,
  withCalibration,
} from './calibration.ts';
import type { Border, CpuName, DispatchName, TargetName, WeightsName } from './choices.ts';
import { moduleHash, sha256 } from './digest.ts';
import { atLargest, bindDimensions, type Dimensions } from './dimensions.ts';
import { backends, type Emitted } from './emit.ts';
import { explainLaunches } from './explain/launches.ts';
import { explainer, type LayerExplanation } from './explain/layers.ts';
import { floatOpsOf } from './floatOps.ts';
import { measureLatencies } from './latencies.ts';
import { layerCollector, type QuantizationSummary } from './layers.ts';
import { type Manifest, writeManifest } from './manifest.ts';
import { checkOperationBytes } from './operationBytes.ts';
import { type PipelineOptions, runPipeline, stagesFor } from './pipeline.ts';
import { prepareProbes } from './probe.ts';
import { copyModule } from './read.ts';
import { checkedRecipe } from './recipe.ts';
import { type Check, checksOn, makeSelfTest, type SelfTestVector } from './selfTest.ts';
import { type Signature, signatureOf } from './signature.ts';
import { boundStates, declareStates, type States } from './states.ts';
import { summaryLine } from './summary.ts';
import { type Work, workOf } from './work.ts';

export interface PrepareOptions extends CalibrationOptions {
  /** A scheme by name, or a recipe. Default: the quantization that the model carries itself (QDQ), else `float`. */
  readonly scheme?: SchemeName | Recipe;
  /** Sizes of dimensions that the model leaves open; a batch is 1 when it is not named. */
  readonly dims?: Dimensions;
  /** Outputs that the program keeps and takes as inputs in its next run, by name: `{stateN: 'state'}`, or `{present: {input: 'past', append: {axis: 2, max: 512}}}`. */
  readonly state?: States;
  /** With a scheme of integers alone: what inputs and outputs are. `int`: codes, with scale and zero point. Default `float`. */
  readonly border?: Border;
  /** Layers that stay float: names of the model's nodes, in which `*` and `?` stand for any characters. */
  readonly keepFloat?: readonly string[];
  /** What the model may come to at most, where it is not the default. */
  readonly limits?: Partial<Limits>;
  /** Hooks around every pass. */
  readonly instruments?: readonly Instrument[];
  /** Gets plain lines: what was decided and what was refused. */
  readonly report?: (line: string) => void;
  /** Gets what budgets of other sizes would give, the smallest first: the Pareto front. */
  readonly front?: ((point: FrontPoint) => void) | undefined;
}

export interface CompileOptions extends PrepareOptions {
  readonly target: TargetName;
  /** Names files and C symbols: an identifier. Default `model`. */
  readonly name?: string;
  /** Weights in the program, or in a file of their own. Default `inline`. */
  readonly weights?: WeightsName;
  /** C only: the machines that it is written for. Default `generic`. */
  readonly cpu?: CpuName;
  /** C only: kernels for several x86 processors, among which the program chooses as it runs. Default `compiler`. */
  readonly dispatch?: DispatchName;
  /** wasm only: the module inside the script. */
  readonly singleFile?: boolean;
  /** Register tiles of single layers, as `qc tune` finds them. */
  readonly schedules?: Schedules;
  /** wasm and c: threads share the memory and divide the loops of large kernels among them. */
  readonly threads?: boolean;
}

/** A compiled model. */
export interface Artifact {
  /** Contents by file name, `manifest.json` among them. */
  readonly files: Map<string, Uint8Array>;
  readonly manifest: Manifest;
  /** Size, RAM, multiply-adds and the share in integers, as one line. */
  readonly report: string;
}

/** A model whose mathematics is final: what every target's kernels are made from. */
export interface Transformed {
  readonly module: Module;
  /** The passes that make kernels of it. */
  readonly kernels: Pipeline;
  /** The name of the scheme or recipe. */
  readonly scheme: string;
  readonly signature: Signature;
  readonly sourceHash: string;
  readonly quantization: QuantizationSummary;
  readonly calibration: CalibrationRecord | undefined;
  /** What was decided about each sum of products; empty for the scheme `float`. */
  readonly explanations: readonly LayerExplanation[];
  readonly work: Work;
}

/** A transformed model, and answers that its programs can be checked against. */
export interface Prepared extends Transformed {
  readonly selfTest: SelfTestVector;
  /** Further answers that a program can be checked against: on real samples, where there are any. */
  readonly checks: readonly Check[];
}

/** Calibration samples whose answers are kept to check programs against. */
const checkedSamples = 2;

/**
 * Compiles a model for one target. The module is used up: it holds the target's program afterwards. The same module
 * and options give the same bytes, on any machine.
 *
 * @throws QcError when the model, the calibration data or an option does not fit
 */
export async function compile(module: Module, options: CompileOptions): Promise<Artifact> {
  checkOptions(options);
  return finish(await prepare(module, options), options);
}

/** The first part of `compile`, which is the same for every target: the passes on the model's mathematics. */
export async function prepare(module: Module, options: PrepareOptions = {}): Promise<Prepared> {
  const transformed = await transform(module, options);
  const check = startClock(limitsWith(options.limits), 'the test run in the interpreter');
  return {
    ...transformed,
    selfTest: await makeSelfTest(module, transformed.quantization, check),
    // samples are real numbers, which a program without float does not take
    checks: options.border === 'int' ? [] : checksOn(module, options.calibration ?? [], checkedSamples),
  };
}

/** What `prepare` does, without the answers, for which the interpreter runs the model several times. */
export async function transform(module: Module, options: PrepareOptions = {}): Promise<Transformed> {
  const { dims = {}, state = {}, keepFloat = [], border = 'float', instruments = [], report } = options;
  const limits = limitsWith(options.limits);
  if (options.calibration) await prepareProbes();
  const original = needsTimes(options) ? copyModule(module) : undefined;
  const { recipe, name: scheme, carried } = chosenScheme(module, options);
  checkIntegerOnly(recipe, keepFloat, border);
  boundStates(module, state);
  await bindDimensions(module, dims, report);
  declareStates(module, state);
  checkOperationBytes(module, limits);
  const sourceHash = await moduleHash(module);
  const layers = layerCollector();
  const explained = explainer({ ...recipe, keepFloat: [...(recipe.keepFloat ?? []), ...keepFloat] });
  const { context, record } = calibrationContext(options);
  const stages = stagesFor(carried ? carriedScheme : recipe, keepFloat, border);
  await runPipeline(module, withCalibration(stages.model, options), {
    ...context,
    instruments: [timeLimit(startClock(limits, 'the compilation')), ...instruments, layers, explained.instrument],
    decide: explained.decide,
    latencies: original && ((widths) => timesOf(original, recipe, widths, options)),
    front: options.front,
    report,
  });
  return {
    module,
    kernels: stages.kernels,
    scheme,
    signature: signatureOf(module),
    sourceHash,
    quantization: layers.summary(),
    calibration: await record(),
    explanations: carried ? [] : explained.explanations(),
    work: workOf(await atLargest(module), [...(recipe.keepFloat ?? []), ...keepFloat]),
  };
}

/** Whether layers are to be timed. */
function needsTimes({ scheme }: PrepareOptions): boolean {
  const { budget } = checkedRecipe(scheme ?? 'float');
  return budget !== undefined && ('latency' in budget || 'milliseconds' in budget);
}

/** Times of the layers of a model, on wasm. */
function timesOf(module: Module, recipe: Recipe, widths: readonly number[], options: PrepareOptions) {
  const { instruments: _, report: _lines, keepStatistics: _kept, front: _points, ...same } = options;
  return measureLatencies(recipe, widths, async (scheme) => {
    const { files } = await compile(copyModule(module), { ...same, scheme, target: 'wasm' });
    return files;
  });
}

/** What a model is compiled under. */
interface ChosenScheme {
  readonly recipe: Recipe;
  readonly name: string;
  /** Whether it is the quantization that the model carries itself. */
  readonly carried: boolean;
}

/**
 * What the options name; where they name nothing, the quantization that the model carries, or float.
 * @throws QcError when data is missing, or the options contradict one another
 */
export function chosenScheme(module: Module, options: PrepareOptions): ChosenScheme {
  const carried = options.scheme === undefined && carriesQuantization(module);
  if (carried) return { recipe: { scheme: 'float' }, name: carriedScheme, carried };
  const recipe = checkedScheme(options);
  return { recipe, name: recipeName(recipe), carried };
}

/** Whether casts between codes and real numbers stand in a model: it was quantized before. */
function carriesQuantization({ main }: Module): boolean {
  return [...main.body.ops()].some((op) => qcast.is(op) || dcast.is(op));
}

/** The recipe that the options name. @throws QcError when it lacks data, or is contradicted */
function checkedScheme(options: PrepareOptions): Recipe {
  const { scheme, keepFloat = [] } = options;
  const recipe = checkedRecipe(scheme ?? 'float');
  const choices = choicesIn(recipe);
  if (isCalibrated(recipe) && !hasCalibration(options)) {
    throw new QcError({
      what: `the scheme ${recipeName(recipe)} needs calibration data`,
      why: 'ranges of activations and what is measured of layers are taken from real inputs',
      help: 'give samples: --calibrate DATA on the command line, calibration in the API',
    });
  }
  if (choices.every(isFloatLayer) && keepFloat.length > 0) {
    throw new QcError({
      what: 'layers to keep in float are named, and the scheme is float',
      why: 'it keeps every layer in float',
      help: 'choose another scheme, or leave the names out',
    });
  }
  return recipe;
}

/** A prepared model again, so that each of several targets can use up its own. */
export function copyPrepared<P extends Transformed>(prepared: P): P {
  return { ...prepared, module: copyModule(prepared.module) };
}

/** The second part of `compile`: kernels, memory and files for one target. Uses the prepared module up. */
export async function finish(prepared: Prepared, options: CompileOptions): Promise<Artifact> {
  checkOptions(options);
  const {
    target,
    name = 'model',
    weights = 'inline',
    singleFile = false,
    threads = false,
    cpu,
    dispatch,
    report,
  } = options;
  const { module, kernels, selfTest } = prepared;
  const backend = backends[target];
  const made = (cpu && backend.cpus?.[cpu].target) ?? backend.target;
  const inTime = timeLimit(startClock(limitsWith(options.limits), `the compilation for ${target}`));
  const context: PipelineOptions = {
    target: made,
    schedules: options.schedules,
    instruments: [inTime, ...(options.instruments ?? [])],
    report,
  };
  await runPipeline(module, threads ? [...kernels, ...parsePipeline(threading)] : kernels, context);
  const floatOps = floatOpsOf(module);
  const emitted = await backend.emit(module, { name, weights, singleFile, threads, selfTest, cpu, dispatch });
  const launches = explainLaunches(module, made).map(({ layer, op, multiplyAdds }) => ({ layer, op, multiplyAdds }));
  const manifest = await describe(prepared, emitted, { target, name, floatOps, launches });
  const files = new Map([...emitted.files, ['manifest.json', writeManifest(manifest)]]);
  return { files, manifest, report: summaryLine(manifest) };
}

/** @throws QcError where a recipe that leaves no float is asked for some, or a border is asked of one that does */
function checkIntegerOnly(recipe: Recipe, keepFloat: readonly string[], border: Border): void {
  const kept = [...keepFloat, ...(recipe.keepFloat ?? [])];
  if (isIntegerOnly(recipe) && kept.length > 0) {
    throw new QcError({
      what: `the scheme ${recipe.scheme} keeps no layer in float`,
      where: kept[0],
      why: 'all between inputs and outputs is in integers',
      help: 'choose another scheme, as w8a8, or leave the names out',
    });
  }
  if (isIntegerOnly(recipe) || border === 'float') return;
  throw new QcError({
    what: `inputs and outputs cannot be integers under the scheme ${recipe.scheme}`,
    why: 'it computes some of the model in float',
    help: 'choose a scheme of integers alone: int8',
  });
}

function checkOptions(options: CompileOptions): void {
  const { target, name = 'model', weights, singleFile } = options;
  checkChoicesOfC(options);
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw new QcError({
      what: `'${name}' is no name for a program`,
      why: 'it names files and symbols: letters, digits and underscores, a letter first',
      help: 'choose another name with --name',
    });
  }
  if (options.threads) checkThreads(options);
  if (!singleFile) return;
  if (target !== 'wasm' || weights === 'external') {
    throw new QcError({
      what: `a single file cannot be had ${target === 'wasm' ? 'with external weights' : `for the target ${target}`}`,
      why: 'it is a script of the target wasm with everything inside',
      help: 'leave one of the options out',
    });
  }
}

function checkThreads({ target, cpu }: CompileOptions): void {
  if (target !== 'wasm' && target !== 'c') {
    throw new QcError({
      what: `programs for the target ${target} have no threads`,
      why: 'a processor is shared by the threads of a program in WebAssembly or C',
      help: 'leave the option out, or choose the target wasm or c',
    });
  }
  if (!cpu || backends[target].cpus?.[cpu].hasThreads !== false) return;
  throw new QcError({
    what: `programs for ${cpu} have no threads`,
    why: 'it is a microcontroller, whose compilers have no POSIX threads (pthread.h)',
    help: 'leave the option out, or choose another CPU',
  });
}

/** What only programs in C have. */
function checkChoicesOfC({ target, weights, dispatch, cpu }: CompileOptions): void {
  if (weights === 'incbin' && target !== 'c') {
    throw new QcError({
      what: `weights for the target ${target} are not included by an assembler`,
      why: 'incbin is for programs in C',
      help: 'choose inline or external weights',
    });
  }
  if (dispatch !== 'runtime' || (target === 'c' && (cpu ?? 'generic') === 'generic')) return;
  throw new QcError({
    what: target === 'c' ? `code for ${cpu} chooses nothing as it runs` : `${target} programs have no --dispatch`,
    why: 'choosing at run time is between several x86 processors, in C',
    help: 'leave one of the options out',
  });
}

async function describe(
  prepared: Prepared,
  emitted: Emitted,
  { target, name, floatOps, launches }: Pick<Manifest, 'target' | 'name' | 'floatOps' | 'launches'>,
): Promise<Manifest> {
  const { scheme, signature, sourceHash, quantization, calibration, work, selfTest } = prepared;
  const { arenaBytes, stateBytes, weightsBytes, codeBytes, c } = emitted;
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const [path, bytes] of emitted.files) files[path] = { bytes: bytes.length, sha256: await sha256(bytes) };
  return {
    format: 1,
    name,
    target,
    scheme,
    files,
    signature,
    quantization,
    ...(calibration ? { calibration } : {}),
    arenaBytes,
    ...(stateBytes > 0 ? { stateBytes } : {}),
    weightsBytes,
    ...(codeBytes === undefined ? {} : { codeBytes }),
    ramBytes: emitted.memoryBytes ?? arenaBytes + stateBytes + portBytes(signature),
    multiplyAdds: work.multiplyAdds,
    integerShare: work.integerShare,
    floatOps,
    stayedFloat: scheme === 'float' ? [] : work.float,
    source: { sha256: sourceHash },
    launches,
    selfTest: selfTest.described,
    ...(c ? { c } : {}),
  };
}

/** Bytes of the inputs and outputs at their largest. */
function portBytes({ inputs, outputs, symbols = {} }: Signature): number {
  const most = new Map(Object.entries(symbols).map(([name, { max }]) => [name, max]));
  return [...inputs, ...outputs].reduce(
    (sum, { dtype, shape, sizes = shape as Size[] }) =>
      sum + sizes.reduce<number>((n, size) => n * (sizeIn(size, most) ?? 1), elementBytes(dtype)),
    0,
  );
}
