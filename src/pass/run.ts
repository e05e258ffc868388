import type { Module, Registry } from '../ir/index.ts';
import type { TraceEntry } from '../rewrite/index.ts';
import type { Pass, PassContext } from './define.ts';
import { verifier } from './instruments/verifier.ts';
import { type OptionValues, type Pipeline, parsePipeline } from './pipeline.ts';
import { type BoundStep, PassRegistry } from './registry.ts';

/** One run of a pass, as instruments see it. */
export interface PassRun {
  readonly pass: Pass;
  readonly options: OptionValues;
  /** This step and all after it. */
  readonly remaining: Pipeline;
}

/** Hooks around every pass of a pipeline. What `before` and `after` throw ends the pipeline like a failing pass. */
export interface Instrument {
  before?(run: PassRun, module: Module): void | Promise<void>;
  /** `milliseconds`: what the pass alone took. */
  after?(run: PassRun, module: Module, milliseconds: number): void | Promise<void>;
  failed?(run: PassRun, module: Module, error: unknown): void | Promise<void>;
  /** After each rewrite of a rule, while the pass runs. */
  rewritten?(run: PassRun, entry: TraceEntry): void;
}

export interface RunOptions {
  readonly passes: PassRegistry | readonly Pass[];
  readonly registry: Registry;
  /** What passes get beside the registry. Default: no calibration, reports are dropped. */
  readonly context?: Partial<Omit<PassContext, 'registry'>>;
  /** Called in this order, before, after, or on failure of each pass. */
  readonly instruments?: readonly Instrument[];
  /** Whether the module is verified after each pass, ahead of the other instruments. Default true. */
  readonly verify?: boolean;
}

/**
 * Runs passes on a module, in place. Every option is checked before the first pass runs.
 *
 * @throws QcError for an unknown pass or option, and whatever a pass or an instrument throws; `failed` hooks have
 *   run by then.
 */
export async function runPipeline(module: Module, pipeline: Pipeline | string, options: RunOptions): Promise<void> {
  const { passes, registry, verify = true } = options;
  const steps = typeof pipeline === 'string' ? parsePipeline(pipeline) : pipeline;
  const known = passes instanceof PassRegistry ? passes : new PassRegistry(passes);
  const context: PassContext = { report: () => {}, ...options.context, registry };
  const instruments = [...(verify ? [verifier()] : []), ...(options.instruments ?? [])];
  for (const [i, step] of known.bind(steps).entries()) {
    await runStep({ ...step, remaining: steps.slice(i) }, module, context, instruments);
  }
}

async function runStep(
  run: PassRun & BoundStep,
  module: Module,
  context: PassContext,
  instruments: readonly Instrument[],
): Promise<void> {
  const tracing = instruments.some(({ rewritten }) => rewritten !== undefined);
  const trace = (entry: TraceEntry) => {
    context.trace?.(entry);
    for (const instrument of instruments) instrument.rewritten?.(run, entry);
  };
  try {
    for (const instrument of instruments) await instrument.before?.(run, module);
    const start = performance.now();
    await run.pass.run(module, run.options, tracing ? { ...context, trace } : context);
    const milliseconds = performance.now() - start;
    for (const instrument of instruments) await instrument.after?.(run, module, milliseconds);
  } catch (error) {
    for (const instrument of instruments) await instrument.failed?.(run, module, error);
    throw error;
  }
}
