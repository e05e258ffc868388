import { cScalarTarget, cTarget } from '../../backends/c/target.ts';
import { loadWasmRuntime, runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { registry } from '../../dialects/index.ts';
import type { Module } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import type { Target } from '../../src/target/index.ts';
import { parse } from '../../src/text/index.ts';
import type { Case } from './cases.ts';
import { outputTypes, planned, reference, runKernels, seededInputs } from './run.ts';
import { expectSame } from './same.ts';

/** One way of running a planned module. */
export interface Way {
  readonly name: string;
  readonly target: Target;
  run(module: Module, inputs: readonly HostTensor[]): HostTensor[] | Promise<HostTensor[]>;
}

const wasm = (simd: 'baseline' | 'relaxed'): Way => ({
  name: `wasm, ${simd}`,
  target: wasmTarget,
  async run(module, inputs) {
    const model = await runWasm(module, { simd: simd === 'relaxed' ? 'auto' : simd });
    const names = module.main.body.args.map((arg) => arg.name ?? '');
    const outputs = model.run(Object.fromEntries(inputs.map((x, i) => [names[i], x.data])));
    return outputTypes(module).map(({ dtype, shape }, i) => {
      const data = outputs[module.main.resultNames[i] as string] as HostTensor['data'];
      return { dtype, shape, data };
    });
  },
});

const interpreted = (name: string, target: Target, variant?: string): Way => ({
  name,
  target,
  run: (module, inputs) => runKernels(module, inputs, target, variant),
});

/** Whether this engine has an exact relaxed dot product. */
export const relaxedIsExact = (await (await loadWasmRuntime()).probeRelaxedDot()) !== undefined;

export const ways: readonly Way[] = [
  interpreted('kernel IR for wasm', wasmTarget),
  interpreted('kernel IR for wasm, relaxed', wasmTarget, 'relaxed-simd'),
  interpreted('kernel IR for C', cTarget),
  interpreted('kernel IR for C, i8mm', cTarget, 'i8mm'),
  interpreted('kernel IR for C, avx2', cTarget, 'avx2'),
  interpreted('kernel IR for C, avx512-vnni', cTarget, 'avx512-vnni'),
  interpreted('kernel IR for C without vectors', cScalarTarget),
  interpreted('kernel IR for C, arm-dsp', cScalarTarget, 'arm-dsp'),
  interpreted('kernel IR for WGSL', wgslTarget),
  wasm('baseline'),
  ...(relaxedIsExact ? [wasm('relaxed')] : []),
];

/** Compares one way of running a case with the reference interpreter. */
export async function check({ target, run }: Way, { text, tolerance = 0 }: Case): Promise<void> {
  const inputs = seededInputs(parse(text, { registry }), 11);
  expectSame(await run(await planned(text, target), inputs), reference(text, inputs), tolerance);
}
