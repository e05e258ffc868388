import { registry } from '../../dialects/index.ts';
import { when } from '../../dialects/kernel/index.ts';
import { runProgram, signatureOf } from '../../dialects/kernel/interpret.ts';
import { fuseEpilogues } from '../../passes/fuse/epilogues.ts';
import { expandDcast } from '../../passes/integer/expandDcast.ts';
import { bufferize } from '../../passes/lower/bufferize.ts';
import { expandHalves } from '../../passes/lower/expandHalves.ts';
import { expandI64 } from '../../passes/lower/expandI64.ts';
import { foldPacking } from '../../passes/lower/foldPacking.ts';
import { lowerKernels } from '../../passes/lower/kernels.ts';
import { packWords } from '../../passes/lower/packWords.ts';
import { attendCaches } from '../../passes/schedule/attendCaches.ts';
import { chooseLayout } from '../../passes/schedule/chooseLayout.ts';
import { decompose } from '../../passes/schedule/decompose.ts';
import { explicitPadding } from '../../passes/schedule/explicitPadding.ts';
import { floatRescale } from '../../passes/schedule/floatRescale.ts';
import { lookUpProducts } from '../../passes/schedule/lookUpProducts.ts';
import { uniformShift } from '../../passes/schedule/uniformShift.ts';
import { interpret } from '../../src/interpret/index.ts';
import { type Module, staticShape, storageOf, type TensorType, verifyModule } from '../../src/ir/index.ts';
import { type DType, elementCount, type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';
import { intrinsics, type Target } from '../../src/target/index.ts';
import { generator, parse } from '../../src/text/index.ts';

/** The module of a case, planned for a target: kernels, launches, one arena. */
export async function planned(text: string, target: Target): Promise<Module> {
  return planFor(parse(text, { registry }), target);
}

/** Plans a module for a target: it becomes kernels, launches and one arena. */
export async function planFor(module: Module, target: Target): Promise<Module> {
  verifyModule(module);
  const context = { registry, target, report: () => {} };
  for (const pass of [
    expandDcast,
    attendCaches,
    decompose,
    floatRescale,
    uniformShift,
    explicitPadding,
    chooseLayout,
    lookUpProducts,
    fuseEpilogues,
    lowerKernels,
    expandHalves,
    expandI64,
    packWords,
    foldPacking,
    bufferize,
  ]) {
    await pass.run(module, {}, context);
    verifyModule(module);
  }
  return module;
}

/** Seeded inputs for @main: full-range codes, floats in −2..2, small whole numbers. */
export function seededInputs(module: Module, seed: number): HostTensor[] {
  const next = generator(seed);
  return module.main.body.args.map((arg) => {
    const type = arg.type as TensorType;
    const shape = staticShape(type);
    const dtype = storageOf(type.element) as 'f32' | 'i8' | 'i16' | 'i64';
    const data = new (typedArrayOf(dtype))(elementCount(shape));
    const range = dtype === 'i16' ? 65536 : 256;
    for (let i = 0; i < data.length; i++) {
      const part = next();
      const code = Math.floor(part * range) - range / 2;
      data[i] = (dtype === 'f32' ? part * 4 - 2 : dtype === 'i64' ? BigInt(code) : code) as never;
    }
    return { dtype, shape, data };
  });
}

/** What the reference interpreter gives for the unlowered module, by output in order. */
export function reference(text: string, inputs: readonly HostTensor[]): HostTensor[] {
  const module = parse(text, { registry });
  const named = Object.fromEntries(
    module.main.body.args.map((arg, i) => [arg.name ?? `${i}`, inputs[i] as HostTensor]),
  );
  return Object.values(interpret(module, named));
}

/** The planned module on the kernel interpreter. */
export function runKernels(
  module: Module,
  inputs: readonly HostTensor[],
  target: Target,
  variant?: string,
): HostTensor[] {
  const settings = { dot_sign_mask: 0 };
  const { slack, granule } = target;
  return runProgram(module, inputs, { intrinsics, slack, granule, settings, ...(variant ? { variant } : {}) });
}

/** Types and shapes of a planned module's outputs. */
export function outputTypes(module: Module): { dtype: DType; shape: number[] }[] {
  const types = signatureOf(module).output_types as readonly TensorType[];
  return types.map((type) => ({ dtype: storageOf(type.element) as DType, shape: staticShape(type) }));
}

/** Whether a planned module runs some launches on one way of a choice only. */
export function choosesByData(module: Module): boolean {
  return [...module.main.body.ops()].some((op) => when.is(op));
}
