import { registry } from '../../dialects/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import { allPasses } from '../../passes/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import {
  type Attributes,
  type Dim,
  Func,
  Module,
  type OpDefinition,
  Resource,
  Rewriter,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** Builds small modules of one f32 input `x` and one output `y`. */
export class GraphBuilder {
  readonly module = new Module();
  readonly x: Value;
  readonly #rewriter = new Rewriter();
  #made = 0;

  constructor(shape: readonly Dim[]) {
    const main = this.module.addFunction(new Func('main'));
    this.x = main.body.addArgument(tensor(shape, 'f32'), 'x');
    this.#rewriter.atEnd(main.body);
  }

  op(definition: OpDefinition, operands: readonly (Value | undefined)[], attributes: Attributes = {}): Value {
    return this.results(definition, operands, attributes)[0] as Value;
  }

  /** All results of an op. */
  results(
    definition: OpDefinition,
    operands: readonly (Value | undefined)[],
    attributes: Attributes = {},
  ): readonly Value[] {
    return this.#rewriter.createRaw(definition, operands, attributes, { source: `layer ${this.#made++}` }).results;
  }

  constant(shape: readonly number[], values: readonly number[]): Value {
    const value = Resource.of(`c${this.#made++}`, 'f32', Float32Array.from(values));
    return this.#rewriter.create(constant, {}, { value }, { types: [tensor(shape, 'f32')] }).result;
  }

  finish(y: Value): Module {
    this.#rewriter.create(returnOp, { values: [y] });
    this.module.main.resultNames = ['y'];
    this.module.main.resultTypes = [y.type];
    return this.module;
  }
}

/** Runs passes, with the given inputs for calibration; the lines that they report. */
export async function transform(
  module: Module,
  pipeline: string,
  samples: readonly HostTensor[] = [],
): Promise<string[]> {
  const reports: string[] = [];
  const calibration = samples.map((x) => ({ x }));
  const context = { calibration, report: (line: string) => reports.push(line) };
  await runPipeline(module, pipeline, { passes: allPasses, registry, context });
  return reports;
}

export function run(module: Module, x: HostTensor): number[] {
  return Array.from((interpret(module, { x }).y as HostTensor).data as Float32Array);
}

/** Names of the ops of a module that are no constants, in order. */
export function opNames(module: Module): string[] {
  return [...module.ops()].map((op) => op.name).filter((name) => name !== 'nn.constant' && name !== 'nn.return');
}

/** Deterministic values in [−1, 1). */
export function wave(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 30 - 1;
  });
}

export function input(shape: readonly number[], values: readonly number[]): HostTensor {
  return { dtype: 'f32', shape, data: Float32Array.from(values) };
}
