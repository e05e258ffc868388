import type binaryen from 'binaryen';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import type { TypedArray } from '../../src/support/tensor.ts';
import { featuresOf, relaxedSection } from './emit.ts';
import { instantiateWasm, loadWasmRuntime, type WasmRunOptions } from './host.ts';
import { type Binaryen, loadBinaryen } from './relaxed.ts';

/** A program whose launches run one at a time. */
export interface SteppedProgram {
  readonly simd: 'baseline' | 'relaxed';
  /** Run in this order they do what a whole run does. */
  readonly steps: readonly (() => void)[];
  /** The outputs in memory, by name. */
  readonly outputs: Readonly<Record<string, TypedArray>>;
  /** What a whole run of the unchanged program has left there. */
  readonly expected: Readonly<Record<string, TypedArray>>;
}

/**
 * Takes the program of an artifact apart: each launch in `run` becomes an export of its own, on a memory that holds
 * the weights, the inputs given and what a whole run has left. Kernels are unchanged.
 */
export async function stepThrough(
  files: ReadonlyMap<string, Uint8Array>,
  inputs: Readonly<Record<string, TypedArray>>,
  options: WasmRunOptions = {},
): Promise<SteppedProgram> {
  const model = await instantiateWasm(files, options);
  const expected = model.run(inputs);
  const wasm = [...files].find(([path]) => path.endsWith('.wasm'))?.[1];
  invariant(wasm, 'the artifact has a module of its own');
  const b = await loadBinaryen();
  const baseline = await instance(stepModule(b, wasm), {});
  const memory = baseline.exports.memory as WebAssembly.Memory;
  const [view] = [...Object.values(model.views.inputs), ...Object.values(model.views.outputs)];
  invariant(view, 'the model has inputs or outputs');
  new Uint8Array(memory.buffer).set(new Uint8Array(view.buffer));
  const outputs = Object.fromEntries(
    Object.entries(model.views.outputs).map(([name, view]) => {
      const { byteOffset, length } = view;
      const type = view.constructor as new (buffer: ArrayBuffer, at: number, length: number) => TypedArray;
      return [name, new type(memory.buffer as ArrayBuffer, byteOffset, length)];
    }),
  );
  const exported = model.simd === 'relaxed' ? await relaxedExports(b, wasm, baseline.exports) : baseline.exports;
  const names = Object.keys(exported).filter((name) => /^step\d+$/.test(name));
  const steps = names.map((_, i) => exported[`step${i}`] as () => void);
  return { simd: model.simd, steps, outputs, expected };
}

async function relaxedExports(
  b: Binaryen,
  wasm: Uint8Array,
  baseline: WebAssembly.Exports,
): Promise<WebAssembly.Exports> {
  const [section] = WebAssembly.Module.customSections(await WebAssembly.compile(wasm as BufferSource), relaxedSection);
  invariant(section, 'relaxed kernels are in a section of the module');
  const mask = (await loadWasmRuntime()).probeRelaxedDot() ?? 0;
  const stepped = await instance(stepModule(b, new Uint8Array(section)), { qc: { ...baseline, mask } });
  return stepped.exports;
}

async function instance(wasm: Uint8Array, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  return WebAssembly.instantiate(await WebAssembly.compile(wasm as BufferSource), imports);
}

/** The module with `step0`, `step1`, …: the statements of its `run`, each as a function. */
function stepModule(b: Binaryen, wasm: Uint8Array): Uint8Array {
  const m = b.readBinary(wasm);
  try {
    m.setFeatures(featuresOf(b) | b.Features.RelaxedSIMD);
    const body = b.getFunctionInfo(runOf(b, m)).body;
    const info = b.getExpressionInfo(body);
    const statements = info.id === b.BlockId ? (info as binaryen.BlockInfo).children : [body];
    statements.forEach((statement, i) => {
      const name = `(step ${i})`;
      m.addFunction(name, b.none, b.none, [], m.copyExpression(statement));
      m.addFunctionExport(name, `step${i}`);
    });
    return m.emitBinary();
  } finally {
    m.dispose();
  }
}

function runOf(b: Binaryen, m: binaryen.Module): binaryen.FunctionRef {
  for (let i = 0; i < m.getNumExports(); i++) {
    const info = b.getExportInfo(m.getExportByIndex(i));
    if (info.name === 'run') return m.getFunction(info.value);
  }
  throw new InternalError('the module does not export run');
}
