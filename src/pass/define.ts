import type { AttributeSpecs, AttributeValues, Module, Registry, Value } from '../ir/index.ts';
import type { Products } from '../linalg/index.ts';
import type { Rule, Trace } from '../rewrite/index.ts';
import { applyGreedily } from '../rewrite/index.ts';
import type { HostTensor } from '../support/tensor.ts';

/**
 * What a pass promises: of the program's results the same bits, or a tolerance relative to their range. Where codes take
 * the place of numbers, errors add up from layer to layer as the model has it: then of each layer, on the same operands,
 * at most so many quanta, or a signal-to-noise ratio of at least so many dB.
 */
export type Preserves =
  | 'bits'
  | { readonly quanta: number }
  | { readonly tolerance: number }
  | { readonly snr: number };

/**
 * One calibration sample: input tensors by name. A state that it leaves out is the one that the sample before gave; one
 * that it holds begins a new stream.
 */
export type Sample = Readonly<Record<string, HostTensor>>;

/** A running program that gives values from inside a model. */
export interface Probe {
  /** What computes them. The same engine gives the same floats on every machine. */
  readonly engine: 'wasm' | 'interpreter';
  /**
   * Runs one sample, after those before where the model has states, and hands over each value, by its place in the list that was asked for. A tensor may lie in the
   * program's own memory: it must be read before `take` returns.
   */
  readonly run: (sample: Sample, take: (index: number, tensor: HostTensor) => void) => void;
}

/** Makes a program that gives values of @main. The module is not changed. */
export type ProbeMaker = (module: Module, values: readonly Value[]) => Probe | Promise<Probe>;

/** A layer that a pass did not treat as it was asked to. */
export interface Decision {
  /** The model's own name of the node. */
  readonly node: string;
  readonly reason: string;
  /** How its weights are stored instead, in words. Default: it stays float. */
  readonly weights?: string;
}

/** What a budget of some size would give: a point of the Pareto front. */
export interface FrontPoint {
  /** Of what the recipe takes without a budget. */
  readonly share: number;
  readonly size: number;
  /** What `size` counts, in the plural. */
  readonly unit: string;
  /** Summed errors of the layers' results, each relative to its power. */
  readonly error: number;
}

/** What passes get from outside the module. */
export interface PassContext {
  readonly registry: Registry;
  /** Calibration samples, when the command was given any. Iterated once per use. */
  readonly calibration?: Iterable<Sample>;
  /** How calibration runs the model. Default: the interpreter. */
  readonly probe?: ProbeMaker;
  /** What multiplies matrices, made when it is first asked for. Default: JavaScript. */
  readonly products?: () => Promise<Products>;
  /** The text of statistics that take the place of calibration samples. */
  readonly statistics?: string;
  /** Gets the text of the statistics that calibration has collected, or was given. */
  readonly keepStatistics?: (text: string) => void;
  /** The target that the pipeline compiles for, as src/target declares it. */
  readonly target?: unknown;
  /** Register tiles by the model's own names of layers, as src/target describes them. */
  readonly schedules?: unknown;
  /** Called for each rewrite that happens. */
  readonly trace?: Trace;
  /** Gets what was decided about single layers. */
  readonly decide?: (decision: Decision) => void;
  /** Milliseconds of layers on the target, by the model's names and bits of a weight, as measured with these widths. */
  readonly latencies?: (widths: readonly number[]) => Promise<ReadonlyMap<string, ReadonlyMap<number, number>>>;
  /** Gets what budgets of other sizes would give. */
  readonly front?: (point: FrontPoint) => void;
  /** A plain line for the user: what was decided, what was refused. */
  readonly report: (line: string) => void;
}

/** A pass with its option types erased. */
export interface Pass {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** `import`, `transform`, … : the folder that the pass lives in. */
  readonly phase: string;
  readonly options: AttributeSpecs;
  readonly preserves: Preserves;
  run(module: Module, options: Readonly<Record<string, unknown>>, context: PassContext): void | Promise<void>;
}

export interface PassSpec<A extends AttributeSpecs> {
  readonly name: string;
  readonly summary: string;
  readonly phase: 'import' | 'calibrate' | 'transform' | 'quantize' | 'integer' | 'fuse' | 'schedule' | 'lower';
  readonly options?: A;
  readonly preserves: Preserves;
  readonly run: (module: Module, options: AttributeValues<A>, context: PassContext) => void | Promise<void>;
}

/** Declares a pass. Options have the kinds of attributes; those without default are optional or required. */
export function definePass<const A extends AttributeSpecs = Record<never, never>>(spec: PassSpec<A>): Pass {
  const options = spec.options ?? ({} as A);
  return {
    name: spec.name,
    summary: spec.summary,
    phase: spec.phase,
    options,
    preserves: spec.preserves,
    run(module, given, context) {
      const filled: Record<string, unknown> = {};
      for (const [name, option] of Object.entries(options)) filled[name] = given[name] ?? option.default;
      return spec.run(module, filled as AttributeValues<A>, context);
    },
  };
}

/** A pass that applies rules, or those that a target needs, in any order, until none matches. */
export function defineRewritePass(
  spec: Omit<PassSpec<Record<never, never>>, 'run' | 'options'> & {
    readonly rules: readonly Rule[] | ((target: unknown) => readonly Rule[]);
  },
): Pass {
  return definePass({
    ...spec,
    run(module, _options, context) {
      const rules = typeof spec.rules === 'function' ? spec.rules(context.target) : spec.rules;
      for (const func of module.functions.values()) applyGreedily(func.body, rules, context.trace);
    },
  });
}
