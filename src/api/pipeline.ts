import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { type carriedScheme, pipelineFor } from '../../passes/pipelines.ts';
import type { Module } from '../ir/index.ts';
import {
  type Decision,
  type Instrument,
  type PassContext,
  PassRegistry,
  type Pipeline,
  parsePipeline,
  runPipeline as runPasses,
  type Sample,
} from '../pass/index.ts';
import type { Recipe, SchemeName } from '../scheme/index.ts';
import type { Schedules, Target } from '../target/index.ts';
import type { Border } from './choices.ts';

/** Every pass of qc, by name. */
export const passes: PassRegistry = new PassRegistry(allPasses);

export interface PipelineOptions {
  /** Calibration samples: input tensors by name. */
  readonly calibration?: Iterable<Sample> | undefined;
  /** How calibration runs the model. Default: the interpreter. */
  readonly probe?: PassContext['probe'] | undefined;
  /** What multiplies matrices. Default: JavaScript. */
  readonly products?: PassContext['products'] | undefined;
  /** The text of statistics that take the place of calibration samples. */
  readonly statistics?: string | undefined;
  /** Gets the text of the statistics that calibration used. */
  readonly keepStatistics?: ((text: string) => void) | undefined;
  /** What the passes of the lower stages compile for. */
  readonly target?: Target | undefined;
  /** How single layers are computed there, where that was measured. */
  readonly schedules?: Schedules | undefined;
  /** Hooks around every pass. */
  readonly instruments?: readonly Instrument[] | undefined;
  /** Gets what was decided about single layers. */
  readonly decide?: ((decision: Decision) => void) | undefined;
  /** Milliseconds of layers on the target. */
  readonly latencies?: PassContext['latencies'] | undefined;
  /** Gets what budgets of other sizes would give. */
  readonly front?: PassContext['front'] | undefined;
  /** Gets plain lines: what was decided and what was refused. */
  readonly report?: ((line: string) => void) | undefined;
}

/**
 * Runs passes on a module, in place: `fold-batch-norm,quantize{weights=i8}`. The module is verified after each.
 *
 * @throws QcError for an unknown pass or option, or when the input is bad
 */
export async function runPipeline(
  module: Module,
  pipeline: Pipeline | string,
  { instruments = [], report = () => {}, ...given }: PipelineOptions = {},
): Promise<void> {
  const context = { ...(withoutUndefined(given) as Partial<PassContext>), report };
  await runPasses(module, pipeline, { passes, registry, context, instruments });
}

const withoutUndefined = (given: object): object =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

/** A compile's passes in two parts: on the model's mathematics, then down to the target's kernels. */
export interface Stages {
  readonly model: Pipeline;
  readonly kernels: Pipeline;
}

const modelPhases: ReadonlySet<string> = new Set(['import', 'calibrate', 'transform', 'quantize', 'integer']);

/**
 * The passes that compile under a scheme or recipe, cut after the last one that works on the model's mathematics.
 * @param keepFloat names or patterns of layers that stay float, for each pass that asks which
 * @param border what inputs and outputs hold where all between is in integers
 */
export function stagesFor(
  scheme: SchemeName | Recipe | typeof carriedScheme,
  keepFloat: readonly string[] = [],
  border: Border = 'float',
): Stages {
  const given = { ...(keepFloat.length > 0 ? { skip: keepFloat } : {}), ...(border === 'int' ? { border } : {}) };
  const steps = parsePipeline(pipelineFor(scheme)).map(({ pass, options }) => {
    const asked = Object.entries(given).filter(([name]) => name in passes.get(pass).options);
    return { pass, options: { ...options, ...Object.fromEntries(asked) } };
  });
  const end = steps.findLastIndex(({ pass }) => modelPhases.has(passes.get(pass).phase)) + 1;
  return { model: steps.slice(0, end), kernels: steps.slice(end) };
}
