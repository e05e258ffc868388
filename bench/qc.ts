import { instantiateWasm } from '../backends/wasm/host.ts';
import { type Artifact, compile, importOnnx, type SchemeName } from '../src/index.ts';
import type { BenchModel } from './models.ts';
import type { Runner } from './runner.ts';

export type InstructionPath = 'baseline' | 'relaxed';

/** A model that qc has compiled, and how long that took from the bytes of the ONNX file on. */
export interface Compiled {
  readonly artifact: Artifact;
  readonly milliseconds: number;
}

/** Compiles for a target. Rows of the calibration part are read before the clock starts. */
export async function compileFor(target: 'wasm' | 'c', model: BenchModel, scheme: SchemeName): Promise<Compiled> {
  const calibration = scheme === 'float' ? undefined : model.rows('calib').map((row) => ({ [model.input]: row }));
  const start = performance.now();
  const artifact = await compile(importOnnx(model.bytes), { target, scheme, calibration, dims: model.dims });
  return { artifact, milliseconds: performance.now() - start };
}

/** The program in this process, on the given instructions. Rejects where the machine does not have them exactly. */
export async function qcRunner(model: BenchModel, compiled: Compiled, path: InstructionPath): Promise<Runner> {
  const { files, manifest } = compiled.artifact;
  const program = await instantiateWasm(files, { simd: path });
  const output = manifest.signature.outputs[0]?.name ?? '';
  return {
    name: `qc ${manifest.scheme} ${path}`,
    run: ({ data }) => program.run({ [model.input]: data })[output] as Float32Array,
  };
}
