import { signature } from '../../../dialects/kernel/index.ts';
import type { Module } from '../../ir/index.ts';
import { rooflineFor } from '../../target/index.ts';
import type { CpuName, TargetName } from '../choices.ts';
import { type PrepareOptions, prepare } from '../compile.ts';
import { backends } from '../emit.ts';
import { runPipeline } from '../pipeline.ts';
import type { FloatOperation } from '../work.ts';
import { explainLaunches, type LaunchExplanation } from './launches.ts';
import type { LayerExplanation } from './layers.ts';

export interface ExplainOptions extends PrepareOptions {
  readonly target: TargetName;
  /** C: for one kind of processor. Default: `generic`. */
  readonly cpu?: CpuName | undefined;
}

/** What a compile makes of a model, layer by layer. */
export interface Explanation {
  readonly target: TargetName;
  /** The name of the scheme or recipe. */
  readonly scheme: string;
  /** How each sum of products is stored, and why; empty for the scheme `float`. */
  readonly choices: readonly LayerExplanation[];
  /** Every kernel launch, in the order in which the program runs them. */
  readonly launches: readonly LaunchExplanation[];
  /** Operations that stay float though the scheme asks for integers, and why. */
  readonly stayedFloat: readonly FloatOperation[];
  readonly multiplyAdds: number;
  /** Share of the multiply-adds in integers, 0 to 1. */
  readonly integerShare: number;
  readonly weightBytes: number;
  readonly arenaBytes: number;
  /** Microseconds, all launches, by the roofline of `machine`. */
  readonly predicted: number;
  readonly machine: string;
}

/**
 * Compiles a model down to its planned program and says what every launch does and costs. The module is used up.
 * @throws QcError when the model, the calibration data or an option does not fit
 */
export async function explain(module: Module, { target, cpu, ...options }: ExplainOptions): Promise<Explanation> {
  const prepared = await prepare(module, options);
  const { scheme, work } = prepared;
  const { instruments, report } = options;
  const made = (cpu && backends[target].cpus?.[cpu].target) ?? backends[target].target;
  await runPipeline(prepared.module, prepared.kernels, {
    target: made,
    instruments,
    report,
  });
  const launches = explainLaunches(prepared.module, made);
  const first = prepared.module.main.body.first;
  const memory = signature.is(first) ? signature.attributesOf(first) : undefined;
  return {
    target,
    scheme,
    choices: prepared.explanations,
    launches,
    stayedFloat: scheme === 'float' ? [] : work.float,
    multiplyAdds: work.multiplyAdds,
    integerShare: work.integerShare,
    weightBytes: memory?.weights_bytes ?? 0,
    arenaBytes: memory?.arena_bytes ?? 0,
    predicted: launches.reduce((sum, launch) => sum + launch.predicted, 0),
    machine: rooflineFor(made).machine,
  };
}
