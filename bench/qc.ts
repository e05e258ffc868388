import { instantiateWasm, runWasm } from '../backends/wasm/host.ts';
import { wasmTarget } from '../backends/wasm/target.ts';
import { stagesFor } from '../src/api/pipeline.ts';
import {
  type Artifact,
  type CompileOptions,
  compile,
  exportOnnx,
  quantizeTypes,
  runPipeline,
  type SchemeName,
} from '../src/index.ts';
import type { KernelCase } from './cases/case.ts';
import type { BenchModel } from './models.ts';
import type { Runner } from './runner.ts';

export type InstructionPath = 'baseline' | 'relaxed';

/** A model that qc has compiled, and how long that took from the bytes of the ONNX file on. */
export interface Compiled {
  readonly artifact: Artifact;
  readonly milliseconds: number;
}

const calibrationOf = ({ calibration }: BenchModel, scheme: SchemeName) =>
  scheme === 'float' ? undefined : calibration;

/** Compiles for a target. */
export async function compileFor(
  target: 'wasm' | 'c',
  model: BenchModel,
  scheme: SchemeName,
  more: Pick<CompileOptions, 'weights' | 'threads'> = {},
): Promise<Compiled> {
  const start = performance.now();
  const options = { target, scheme, calibration: calibrationOf(model, scheme), dims: model.dims, ...more };
  const artifact = await compile(model.module(), options);
  return { artifact, milliseconds: performance.now() - start };
}

/** The same quantization as a QDQ model: what onnxruntime makes of 8 bits. @throws QcError where ONNX has no form for it */
export async function exportedFor(model: BenchModel, scheme: 'w8a8'): Promise<Uint8Array> {
  const module = model.module();
  await quantizeTypes(module, { scheme, calibration: model.calibration, dims: model.dims });
  return exportOnnx(module);
}

/** The program in this process, on the given instructions. Rejects where the machine does not have them exactly. */
export async function qcRunner({ artifact }: Compiled, path: InstructionPath): Promise<Runner> {
  const { files, manifest } = artifact;
  const program = await instantiateWasm(files, { simd: path });
  return {
    name: `qc ${manifest.scheme} ${path}`,
    run: (inputs) => program.run(Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]))),
  };
}

/** A single operation. Undefined where it has no kernels for these instructions, or the machine does not have them. */
export async function wasmRunner(one: KernelCase, path: InstructionPath): Promise<Runner | undefined> {
  const module = one.module();
  const stages = stagesFor(one.scheme);
  await runPipeline(module, stages.model, { calibration: [{ x: one.input }] });
  await runPipeline(module, stages.kernels, { target: wasmTarget });
  const program = await runWasm(module, { simd: path === 'relaxed' ? 'auto' : path });
  if (program.simd !== path) return undefined;
  return { name: `qc ${path}`, run: ({ x }) => program.run({ x: (x ?? one.input).data }) };
}
