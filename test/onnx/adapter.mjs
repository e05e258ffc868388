// Runs one ONNX backend test on the built package, for ../shared/conformance/onnx/run_onnx_node_tests.mjs --module.
// QC_TARGET names what runs it: the interpreter (the default), or wasm for a compiled program.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runWasm } from '../../dist/backends/wasm/index.js';
import { wasmTarget } from '../../dist/backends/wasm/target.js';
import { registry } from '../../dist/dialects/index.js';
import { signatureOf } from '../../dist/dialects/kernel/interpret.js';
import { allPasses } from '../../dist/passes/index.js';
import { pipelineFor } from '../../dist/passes/pipelines.js';
import { interpret } from '../../dist/src/interpret/index.js';
import { staticShape, storageOf } from '../../dist/src/ir/index.js';
import { BF16, decodeFloat, F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F16 } from '../../dist/src/numerics/index.js';
import { importOnnx } from '../../dist/src/onnx/index.js';
import { dataTypeNumber, elementStorage } from '../../dist/src/onnx/proto/dtypes.js';
import { hostTensor, readTensor, tensorProto, tensorReader } from '../../dist/src/onnx/proto/index.js';
import { PassRegistry, runPipeline } from '../../dist/src/pass/index.js';

const formats = {
  f16: F16,
  bf16: BF16,
  f8e4m3fn: F8E4M3FN,
  f8e4m3fnuz: F8E4M3FNUZ,
  f8e5m2: F8E5M2,
  f8e5m2fnuz: F8E5M2FNUZ,
};

const unsupported = (message) => Object.assign(new Error(message), { code: 'UNSUPPORTED' });

/** The suite's tensor, canonical little-endian bytes, as a host tensor. */
function toHost(tensor) {
  if (!tensor?.raw || !elementStorage(tensor.dtype)) throw unsupported('an input is no tensor of numbers');
  const dims = tensor.dims.map(BigInt);
  const proto = { name: '', dims, dataType: tensor.dtype, rawData: tensor.raw, packed: new Map(), stringData: [] };
  return hostTensor(readTensor(proto));
}

/** A host tensor as the suite compares it: narrow floats as numbers, 64-bit integers as BigInt. */
function fromHost(tensor) {
  const format = formats[tensor.dtype];
  const decode = format ? (code) => decodeFloat(code, format) : (v) => v;
  const raw = tensorReader(readTensor(tensorProto('', tensor)))();
  return { dtype: dataTypeNumber(tensor.dtype), dims: [...tensor.shape], raw, data: Array.from(tensor.data, decode) };
}

function externalData(modelPath) {
  return (location) => {
    const path = join(dirname(modelPath), location);
    return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
  };
}

/** A module compiled to wasm in float, and run in this process. */
async function compiled(module, inputs) {
  const context = { registry, target: wasmTarget, report: () => {} };
  await runPipeline(module, pipelineFor('float'), { passes: new PassRegistry(allPasses), registry, context });
  const types = signatureOf(module).output_types;
  const names = module.main.body.args.map((arg) => arg.name).filter((name) => name in inputs);
  const program = await runWasm(module, { simd: 'baseline' });
  const outputs = program.run(Object.fromEntries(names.map((name) => [name, inputs[name].data])));
  const tensor = (name, i) => ({
    dtype: storageOf(types[i].element),
    shape: staticShape(types[i]),
    data: outputs[name],
  });
  return Object.fromEntries(module.main.resultNames.map((name, i) => [name, tensor(name, i)]));
}

const runners = { interpreter: interpret, wasm: compiled };

/** Inputs that give the model its structure (shapes, axes) are fixed when the import asks for it. */
async function runModel(runner, bytes, options, inputs) {
  try {
    return await runner(importOnnx(bytes, options), inputs);
  } catch (error) {
    if (!String(error.message).includes('depends on data')) throw error;
    const isData = ([name, tensor]) => tensor.dtype.startsWith('f') && tensor.shape.length > 0 && name !== 'scales';
    const constants = Object.fromEntries(Object.entries(inputs).filter((entry) => !isData(entry)));
    const data = Object.fromEntries(Object.entries(inputs).filter(isData));
    return runner(importOnnx(bytes, { ...options, constants }), data);
  }
}

export async function run({ modelPath, inputs, inputNames, outputNames }) {
  const target = process.env.QC_TARGET ?? 'interpreter';
  const runner = runners[target];
  if (!runner) throw unsupported(`there is no adapter for QC_TARGET=${target}`);
  const given = Object.fromEntries(inputs.map((tensor, i) => [inputNames[i], toHost(tensor)]));
  try {
    const options = { registry, externalData: externalData(modelPath) };
    const outputs = await runModel(runner, new Uint8Array(readFileSync(modelPath)), options, given);
    return outputNames.map((name) => fromHost(outputs[name]));
  } catch (error) {
    if (error.name === 'QcError') throw unsupported(error.message);
    throw error;
  }
}
