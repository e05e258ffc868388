import { cpus } from '../../backends/c/cpus.ts';
import { emitC } from '../../backends/c/emit.ts';
import type { CSignature } from '../../backends/c/signature.ts';
import { emitCuda } from '../../backends/cuda/emit.ts';
import { cudaTarget } from '../../backends/cuda/target.ts';
import { emitWasm } from '../../backends/wasm/package.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { emitWgsl } from '../../backends/wgsl/package.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import type { Module } from '../ir/index.ts';
import { invariant } from '../support/diagnostics.ts';
import type { Target } from '../target/index.ts';
import type { CpuName, DispatchName, TargetName, WeightsName } from './choices.ts';
import type { SelfTestVector } from './selfTest.ts';

export interface EmitOptions {
  readonly name: string;
  readonly weights: WeightsName;
  /** C only. */
  readonly cpu?: CpuName | undefined;
  readonly dispatch?: DispatchName | undefined;
  readonly singleFile: boolean;
  /** wasm and C. */
  readonly threads: boolean;
  readonly selfTest: SelfTestVector;
}

/** What a backend has written. */
export interface Emitted {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly arenaBytes: number;
  readonly stateBytes: number;
  readonly weightsBytes: number;
  readonly codeBytes?: number;
  /** All memory of the program, where the backend decides it. */
  readonly memoryBytes?: number;
  readonly c?: CSignature;
}

/** How a planned module becomes files. */
export interface Backend {
  readonly target: Target;
  /** Where the target serves machines of several kinds: what kernels are made for on each, and whether threads run them. */
  readonly cpus?: Readonly<Record<CpuName, { readonly target: Target; readonly hasThreads: boolean }>>;
  readonly emit: (module: Module, options: EmitOptions) => Promise<Emitted>;
}

/** Where targets other than C can have weights. */
function withoutAssembler(weights: WeightsName): Exclude<WeightsName, 'incbin'> {
  invariant(weights !== 'incbin', 'weights that an assembler includes are refused before');
  return weights;
}

export const backends: Readonly<Record<TargetName, Backend>> = {
  wasm: {
    target: wasmTarget,
    async emit(module, { name, weights: place, singleFile, threads }) {
      const weights = withoutAssembler(place);
      const { files, report } = await emitWasm(module, { name, weights, singleFile, threads });
      const { arenaBytes, stateBytes, weightsBytes, codeBytes, memoryBytes } = report;
      return { files, arenaBytes, stateBytes, weightsBytes, codeBytes, memoryBytes };
    },
  },
  c: {
    target: cpus.generic.target,
    cpus,
    async emit(module, { name, weights, selfTest, cpu, dispatch, threads }) {
      const { inputs, outputs, described } = selfTest;
      const selftest = {
        inputs,
        outputs,
        tolerance: described.tolerance,
        steps: described.steps ?? 1,
        ...(described.sizes ? { sizes: described.sizes } : {}),
      };
      const how = dispatch === 'runtime' ? { dispatch: true } : { cpu: cpus[cpu ?? 'generic'] };
      const { files, report, signature } = emitC(module, { name, weights, selftest, threads, ...how });
      const { arenaBytes, stateBytes, weightsBytes } = report;
      return { files, arenaBytes, stateBytes, weightsBytes, c: signature };
    },
  },
  cuda: {
    target: cudaTarget,
    async emit(module, { name, weights, selfTest }) {
      const { inputs, outputs, described } = selfTest;
      const selftest = { inputs, outputs, tolerance: described.tolerance, steps: described.steps ?? 1 };
      const { files, report, signature } = emitCuda(module, { name, weights: withoutAssembler(weights), selftest });
      return { files, ...report, c: signature };
    },
  },
  wgsl: {
    target: wgslTarget,
    async emit(module, { name }) {
      const { files, report } = emitWgsl(module, { name });
      return { files, ...report };
    },
  },
};
