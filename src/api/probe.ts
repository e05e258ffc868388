import { runWasm } from '../../backends/wasm/host.ts';
import { loadBinaryen } from '../../backends/wasm/relaxed.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import { interpreterProbe } from '../../passes/calibrate/interpreterProbe.ts';
import { type Module, type Op, Rewriter, type TensorType, type Value } from '../ir/index.ts';
import type { Probe, ProbeMaker, Sample } from '../pass/index.ts';
import { applyGreedily } from '../rewrite/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { DType, HostTensor, TypedArray } from '../support/tensor.ts';
import { runPipeline, stagesFor } from './pipeline.ts';
import { copyModule } from './read.ts';
import { signatureOf } from './signature.ts';

/**
 * Compiles what computes the values to WebAssembly, with the values as its results. Baseline SIMD alone is used: its
 * floats are the same on every machine. Where an operation has no kernel, or sizes are open, the
 * interpreter runs.
 */
export const wasmProbe: ProbeMaker = async (module, values) => {
  if (signatureOf(module).symbols) return interpreterProbe(module, values);
  try {
    return await compileProbe(module, values);
  } catch (error) {
    if (!(error instanceof QcError)) throw error;
    return interpreterProbe(module, values);
  }
};

/**
 * Loads what probes are made with. That takes 110 MB for a moment, more than calibration does otherwise: what is loaded
 * while there is little else lowers the peak of both.
 */
export async function prepareProbes(): Promise<void> {
  await loadBinaryen();
}

async function compileProbe(module: Module, values: readonly Value[]): Promise<Probe> {
  const states = new Set(module.states.map(({ input }) => input));
  const names = module.main.body.args.map((arg, i) => arg.name ?? `${i}`).filter((name) => !states.has(name));
  const program = programOf(module, values);
  const tensors = values.map(({ type }) => type as TensorType);
  // what is quantized already is computed as it will be
  await runPipeline(program, 'to-integer,expand-dcast');
  await runPipeline(program, stagesFor('float').kernels, { target: wasmTarget });
  const model = await runWasm(program, { simd: 'baseline' });
  const { inputs, outputs } = model.views;
  const results = tensors.map(
    ({ element, shape }, i): HostTensor => ({
      dtype: element as DType,
      shape: shape as number[],
      data: outputs[resultName(i)] as TypedArray,
    }),
  );
  return {
    engine: 'wasm',
    run(sample: Sample, take) {
      for (const name of names) checkedInput(inputs[name], sample[name], name).set(sample[name]?.data as never);
      model.loadState(Object.fromEntries([...states].flatMap((name) => given(name, sample[name]))));
      model.execute();
      results.forEach((tensor, i) => {
        take(i, tensor);
      });
    },
  };
}

/** A state that a sample sets. */
const given = (name: string, tensor: HostTensor | undefined): [string, TypedArray][] =>
  tensor ? [[name, tensor.data]] : [];

/** A copy of the module that returns the values and its states, and computes nothing else. */
function programOf(module: Module, values: readonly Value[]): Module {
  const copy = copyModule(module);
  const { main } = copy;
  const [ops, copies] = [[...module.main.body.ops()], [...main.body.ops()]];
  const places = new Map(ops.map((op, i) => [op, copies[i] as Op]));
  const copied = values.map(({ op, index }) => (op ? places.get(op)?.results[index] : main.body.args[index]) as Value);
  const rewriter = new Rewriter();
  const end = main.body.last as Op;
  const kept = copy.states.map(({ output }) => end.operand(main.resultNames.indexOf(output)));
  const last = rewriter.before(end).createRaw(end.definition, [...copied, ...kept]);
  rewriter.erase(end);
  main.resultNames = [...copied.map((_, i) => resultName(i)), ...copy.states.map(({ output }) => output)];
  main.resultTypes = last.operands.map((value) => (value as Value).type);
  for (const op of copies) if (observe.is(op) || observeWindows.is(op)) rewriter.replace(op, [op.operand(0)]);
  applyGreedily(main.body, []);
  return copy;
}

const resultName = (i: number): string => `(value ${i})`;

/** @throws QcError where a sample does not fit the model */
function checkedInput(view: TypedArray | undefined, tensor: HostTensor | undefined, name: string): TypedArray {
  if (view && tensor?.data.length === view.length && tensor.data.constructor === view.constructor) return view;
  throw new QcError({
    what: tensor ? `a sample for input '${name}' does not fit the model` : `a sample has no input '${name}'`,
    why: `it holds ${tensor?.dtype} of shape [${tensor?.shape.join(', ')}]`,
    help: 'give every input as the model takes it',
  });
}
