import type binaryen from 'binaryen';
import { vector } from '../../dialects/kernel/index.ts';
import { isBorderFunction } from '../../dialects/quant/border.ts';
import { type Func, walk } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type IntrinsicName, intrinsics } from '../../src/target/index.ts';
import type { Program } from './program.ts';
import { type Binaryen, loadBinaryen } from './relaxed.ts';
import { addRun } from './run.ts';
import { withCustomSection, withData } from './sections.ts';
import { addKernel, signMask } from './structure.ts';
import { addBarrier, barrier, importThread, runThreads, weightsSection } from './threads.ts';

/** The custom section that holds the module of relaxed kernels. */
export const relaxedSection = 'qc.relaxed';
/** The module name from which relaxed kernels import memory, setting and baseline kernels. */
const importModule = 'qc';

export interface EmitOptions {
  /** `inline`: an active data segment; `external`: the loader writes the weights. */
  readonly weights: 'inline' | 'external';
  /** Whether threads share the memory, which is then imported. */
  readonly threads?: boolean;
}

export interface EmittedModule {
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** Bytes of the module without the weights. */
  readonly codeBytes: number;
  /** What relaxed kernels need of the machine: nothing (there are none), the instructions, or an exact dot product. */
  readonly relaxed: 'none' | 'instructions' | 'dot';
}

/**
 * Passes that pay. Code comes with single uses in place already: further simplification takes time that grows with the
 * square of a kernel's size and gains nothing in speed. Passes that spread constants over their uses would harm, because
 * engines reload vector literals inside loops.
 */
const passes = ['duplicate-function-elimination', 'coalesce-locals', 'vacuum', 'reorder-locals'];

/** Emits a planned program as one module; the module of relaxed kernels, if there are any, is a custom section in it. */
export async function emitModule(program: Program, { weights, threads = false }: EmitOptions): Promise<EmittedModule> {
  const b = await loadBinaryen();
  const { launches, kernels } = program;
  const relaxedNames = new Set(launches.flatMap(({ relaxed }) => relaxed ?? []));
  const baselineNames = new Set(launches.map(({ kernel }) => kernel));
  const shared =
    relaxedNames.size > 0 ? new Set(launches.flatMap((l) => (l.relaxed ? [] : [l.kernel]))) : new Set<string>();
  // never `run` or `memory`
  const shortNames = new Map([...shared].map((name, i) => [name, `k${i}`]));

  const run = (m: binaryen.Module, launches: Program['launches']) =>
    addRun(b, m, { ...program, launches }, threads ? (c, steps) => runThreads(c, steps, kernels) : undefined);
  const more = threads ? b.Features.Atomics : b.Features.MVP;
  const setMemory = (m: binaryen.Module, imported: boolean) => {
    const exported = threads || imported ? undefined : 'memory';
    m.setMemory(program.pages, program.pages, exported, [], threads);
    if (threads || imported) m.addMemoryImport('0', importModule, 'memory', threads);
    if (threads) importThread(b, m, importModule);
  };
  let wasm = build(b, more, (m) => {
    setMemory(m, false);
    if (threads) addBarrier(b, m);
    for (const name of baselineNames) {
      addKernel(b, m, kernelOf(kernels, name), false);
      if (isBorderFunction(name)) m.addFunctionExport(name, name);
    }
    for (const [name, short] of shortNames) m.addFunctionExport(name, short);
    run(m, launches);
  });
  if (relaxedNames.size > 0) {
    const relaxed = build(b, more | b.Features.RelaxedSIMD, (m) => {
      setMemory(m, true);
      if (threads) m.addFunctionImport(barrier, importModule, barrier, b.none, b.none);
      m.addGlobalImport(signMask, importModule, signMask, b.i32);
      for (const [name, short] of shortNames) {
        const parameters = b.createType(kernelOf(kernels, name).body.args.map(() => b.i32));
        m.addFunctionImport(name, importModule, short, parameters, b.none);
      }
      for (const name of relaxedNames) addKernel(b, m, kernelOf(kernels, name), true);
      run(
        m,
        launches.map((one) => ({ ...one, kernel: one.relaxed ?? one.kernel })),
      );
    });
    wasm = withCustomSection(wasm, relaxedSection, relaxed);
  }
  const codeBytes = wasm.byteLength;
  if (weights === 'inline' && program.weights.byteLength > 0) {
    // an active segment would be copied once more for each thread
    wasm = threads
      ? withCustomSection(wasm, weightsSection, program.weights)
      : withData(wasm, program.weightsAddress, program.weights);
  }
  const needsDot = [...relaxedNames].some((name) => usesRelaxedDot(kernelOf(kernels, name)));
  return { wasm, codeBytes, relaxed: relaxedNames.size === 0 ? 'none' : needsDot ? 'dot' : 'instructions' };
}

/** Features that every module of a program may use. */
export function featuresOf({ Features }: Binaryen): binaryen.Features {
  const { SIMD128, SignExt, NontrappingFPToInt, MutableGlobals } = Features;
  return SIMD128 | SignExt | NontrappingFPToInt | MutableGlobals;
}

/** Builds, optimizes and checks one module. */
function build(b: Binaryen, more: binaryen.Features, fill: (m: binaryen.Module) => void): Uint8Array<ArrayBuffer> {
  const m = new b.Module();
  try {
    m.setFeatures(featuresOf(b) | more);
    fill(m);
    m.runPasses(passes);
    invariant(m.validate(), 'the emitted module is not valid WebAssembly');
    return Uint8Array.from(m.emitBinary());
  } finally {
    m.dispose();
  }
}

function kernelOf(kernels: ReadonlyMap<string, Func>, name: string): Func {
  const kernel = kernels.get(name);
  invariant(kernel, `no kernel ${name}`);
  return kernel;
}

function usesRelaxedDot(kernel: Func): boolean {
  for (const op of walk(kernel.body)) {
    if (!vector.dot.is(op)) continue;
    const name = vector.dot.attributesOf(op).intrinsic as IntrinsicName;
    if (intrinsics[name].feature === 'relaxed-simd') return true;
  }
  return false;
}
