import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { signatureOf } from '../../dialects/kernel/interpret.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor } from '../../passes/pipelines.ts';
import { bindDim, type Module, storageOf, type TensorType } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { decodeModel } from '../../src/onnx/proto/index.ts';
import { PassRegistry, runPipeline } from '../../src/pass/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { DType, HostTensor } from '../../src/support/tensor.ts';
import { compareTensors, type Outcome, readTensorFile } from './backendTest.ts';

// ONNX's backend tests once more, on the programs that qc compiles.

type Tensors = Record<string, HostTensor>;

const passes = new PassRegistry(allPasses);

const filesOf = (dir: string, kind: string) =>
  readdirSync(dir)
    .filter((name) => name.startsWith(`${kind}_`))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => join(dir, name));

/** A model compiled to wasm in float and run on the inputs. */
export async function execute(module: Module, inputs: Tensors): Promise<HostTensor[]> {
  const context = { registry, target: wasmTarget, report: () => {} };
  await runPipeline(module, pipelineFor('float'), { passes, registry, context });
  const types = signatureOf(module).output_types as readonly TensorType[];
  const names = module.main.body.args.map((arg) => arg.name ?? '').filter((name) => name in inputs);
  const model = await runWasm(module, { simd: 'baseline' });
  const given = Object.fromEntries(names.map((name) => [name, (inputs[name] as HostTensor).data]));
  const outputs = model.run(given);
  return module.main.resultNames.map((name, i) => {
    const type = types[i] as TensorType;
    const data = outputs[name] as HostTensor['data'];
    const sizes = new Map(Object.entries(model.sizes));
    const shape = type.shape.map((dim) => bindDim(dim, sizes) as number);
    return { dtype: storageOf(type.element) as DType, shape, data };
  });
}

/** Runs a model; where its structure depends on inputs (shapes, axes, scales), with those fixed at import. */
async function run(bytes: Uint8Array, inputs: Tensors): Promise<HostTensor[]> {
  try {
    return await execute(importOnnx(bytes, { registry }), inputs);
  } catch (error) {
    if (!(error instanceof QcError) || !error.message.includes('depends on data')) throw error;
    const isData = ([name, tensor]: [string, HostTensor]) =>
      tensor.dtype.startsWith('f') && tensor.shape.length > 0 && name !== 'scales';
    const constants = Object.fromEntries(Object.entries(inputs).filter((entry) => !isData(entry)));
    const data = Object.fromEntries(Object.entries(inputs).filter(isData));
    return execute(importOnnx(bytes, { registry, constants }), data);
  }
}

/** Compiles and runs every data set of a test. A QcError is a refusal; anything else is thrown. */
export async function runCompiledTest(dir: string): Promise<Outcome> {
  const bytes = new Uint8Array(readFileSync(join(dir, 'model.onnx')));
  try {
    const { graph } = decodeModel(bytes);
    const others = [...graph.inputs, ...graph.outputs].find(
      ({ type }) => type && (type.kind !== 'tensor' || type.dtype === 'string'),
    );
    if (others) return { status: 'not-tensors', why: others.name };
    for (const set of readdirSync(dir).filter((name) => name.startsWith('test_data_set_'))) {
      const inputs = filesOf(join(dir, set), 'input').map(readTensorFile);
      const defaults = new Set(graph.initializers.map((tensor) => tensor.name));
      const open = graph.inputs.filter((input) => !defaults.has(input.name));
      const named = inputs.length === open.length ? open : graph.inputs;
      const given = Object.fromEntries(inputs.map((tensor, i) => [named[i]?.name ?? '', tensor]));
      const outputs = await run(bytes, given);
      for (const [i, file] of filesOf(join(dir, set), 'output').entries()) {
        const difference = compareTensors(outputs[i] as HostTensor, readTensorFile(file), 1e-5);
        if (difference) return { status: 'wrong', why: `output ${i}: ${difference}` };
      }
    }
    return { status: 'pass', why: '' };
  } catch (error) {
    if (error instanceof QcError) return { status: 'refused', why: error.message };
    throw error;
  }
}
