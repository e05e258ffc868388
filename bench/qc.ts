import { instantiateWasm, runWasm } from '../backends/wasm/host.ts';
import { wasmTarget } from '../backends/wasm/target.ts';
import { copyPrepared, finish, type Prepared, prepare } from '../src/api/compile.ts';
import { stagesFor } from '../src/api/pipeline.ts';
import {
  type Artifact,
  type CompileOptions,
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

interface Ready {
  readonly prepared: Prepared;
  readonly milliseconds: number;
}

const ready = new WeakMap<BenchModel, Map<SchemeName, Ready>>();

/** A model up to where targets part; once for each scheme. */
async function readyFor(model: BenchModel, scheme: SchemeName): Promise<Ready> {
  const known = ready.get(model) ?? new Map<SchemeName, Ready>();
  ready.set(model, known);
  const found = known.get(scheme);
  if (found) return found;
  const start = performance.now();
  const options = { scheme, calibration: calibrationOf(model, scheme), dims: model.dims };
  const made = { prepared: await prepare(model.module(), options), milliseconds: performance.now() - start };
  known.set(scheme, made);
  return made;
}

/** Compiles for a target. */
export async function compileFor(
  target: 'wasm' | 'c',
  model: BenchModel,
  scheme: SchemeName,
  more: Pick<CompileOptions, 'weights' | 'threads'> = {},
): Promise<Compiled> {
  const { prepared, milliseconds } = await readyFor(model, scheme);
  const start = performance.now();
  const artifact = await finish(copyPrepared(prepared), { target, scheme, dims: model.dims, ...more });
  return { artifact, milliseconds: milliseconds + performance.now() - start };
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
