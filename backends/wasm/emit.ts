import type binaryen from 'binaryen';
import { vector } from '../../dialects/kernel/index.ts';
import { type Func, walk } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type IntrinsicName, intrinsics } from '../../src/target/index.ts';
import type { Program } from './program.ts';
import { type Binaryen, loadBinaryen } from './relaxed.ts';
import { withCustomSection, withData } from './sections.ts';
import { addKernel, signMask } from './structure.ts';

/** The custom section that holds the module of relaxed kernels. */
export const relaxedSection = 'qc.relaxed';
/** The module name from which relaxed kernels import memory, setting and baseline kernels. */
const importModule = 'qc';

export interface EmitOptions {
  /** `inline`: an active data segment; `external`: the loader writes the weights. */
  readonly weights: 'inline' | 'external';
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
const passes = ['duplicate-function-elimination', 'vacuum', 'reorder-locals'];

/** Emits a planned program as one module; the module of relaxed kernels, if there are any, is a custom section in it. */
export async function emitModule(program: Program, { weights }: EmitOptions): Promise<EmittedModule> {
  const b = await loadBinaryen();
  const { launches, kernels } = program;
  const relaxedNames = new Set(launches.flatMap(({ relaxed }) => relaxed ?? []));
  const baselineNames = new Set(launches.map(({ kernel }) => kernel));
  const shared =
    relaxedNames.size > 0 ? new Set(launches.flatMap((l) => (l.relaxed ? [] : [l.kernel]))) : new Set<string>();
  // never `run` or `memory`
  const shortNames = new Map([...shared].map((name, i) => [name, `k${i}`]));

  let wasm = build(b, b.Features.MVP, (m) => {
    m.setMemory(program.pages, program.pages, 'memory');
    for (const name of baselineNames) addKernel(b, m, kernelOf(kernels, name), false);
    for (const [name, short] of shortNames) m.addFunctionExport(name, short);
    addRun(
      b,
      m,
      launches.map(({ kernel, addresses }) => ({ kernel, addresses })),
    );
  });
  if (relaxedNames.size > 0) {
    const relaxed = build(b, b.Features.RelaxedSIMD, (m) => {
      m.setMemory(program.pages, program.pages);
      m.addMemoryImport('0', importModule, 'memory');
      m.addGlobalImport(signMask, importModule, signMask, b.i32);
      for (const [name, short] of shortNames) {
        const parameters = b.createType(kernelOf(kernels, name).body.args.map(() => b.i32));
        m.addFunctionImport(name, importModule, short, parameters, b.none);
      }
      for (const name of relaxedNames) addKernel(b, m, kernelOf(kernels, name), true);
      addRun(
        b,
        m,
        launches.map(({ kernel, relaxed: other, addresses }) => ({ kernel: other ?? kernel, addresses })),
      );
    });
    wasm = withCustomSection(wasm, relaxedSection, relaxed);
  }
  const codeBytes = wasm.byteLength;
  if (weights === 'inline' && program.weights.byteLength > 0) {
    wasm = withData(wasm, program.weightsAddress, program.weights);
  }
  const needsDot = [...relaxedNames].some((name) => usesRelaxedDot(kernelOf(kernels, name)));
  return { wasm, codeBytes, relaxed: relaxedNames.size === 0 ? 'none' : needsDot ? 'dot' : 'instructions' };
}

/** Builds, optimizes and checks one module. */
function build(b: Binaryen, more: binaryen.Features, fill: (m: binaryen.Module) => void): Uint8Array<ArrayBuffer> {
  const m = new b.Module();
  try {
    const { SIMD128, SignExt, NontrappingFPToInt, MutableGlobals } = b.Features;
    m.setFeatures(SIMD128 | SignExt | NontrappingFPToInt | MutableGlobals | more);
    fill(m);
    m.runPasses(passes);
    invariant(m.validate(), 'the emitted module is not valid WebAssembly');
    return Uint8Array.from(m.emitBinary());
  } finally {
    m.dispose();
  }
}

/** `run`: every launch in turn, on constant addresses. */
function addRun(
  b: Binaryen,
  m: binaryen.Module,
  calls: readonly { readonly kernel: string; readonly addresses: readonly number[] }[],
): void {
  const statements = calls.map(({ kernel, addresses }) =>
    m.call(
      kernel,
      addresses.map((address) => m.i32.const(address | 0)),
      b.none,
    ),
  );
  const name = '(run)';
  m.addFunction(name, b.none, b.none, [], m.block(null, statements, b.none));
  m.addFunctionExport(name, 'run');
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
