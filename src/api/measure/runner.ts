import { runWasm } from '../../../backends/wasm/host.ts';
import { wasmTarget } from '../../../backends/wasm/target.ts';
import { Stream } from '../../interpret/index.ts';
import {
  bitsOf,
  isScalarType,
  type Module,
  type Op,
  quantOf,
  Resource,
  spanOutputs,
  staticShape,
} from '../../ir/index.ts';
import { codeBits } from '../../numerics/index.ts';
import type { Sample } from '../../pass/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { copyPrepared, type Transformed } from '../compile.ts';
import { programOf } from '../instantiate.ts';
import { runPipeline, stagesFor } from '../pipeline.ts';

/** A model that answers samples; its states go on from sample to sample, but where a sample gives them. */
export interface Runner {
  readonly runsOn: 'wasm' | 'interpreter';
  readonly run: (sample: Sample) => Record<string, HostTensor>;
}

/** The wasm program of a transformed model, which is used up; where an operation has no kernel, the interpreter, which is slow. */
export async function runnerFor(transformed: Transformed, report: (line: string) => void): Promise<Runner> {
  const { module } = copyPrepared(transformed);
  try {
    await runPipeline(transformed.module, stagesFor('float').kernels, { target: wasmTarget });
    const program = programOf(await runWasm(transformed.module), transformed.signature);
    const states = new Set(transformed.signature.states?.map(({ name }) => name));
    const part = (sample: Sample, kept: boolean): Sample =>
      Object.fromEntries(Object.entries(sample).filter(([name]) => states.has(name) === kept));
    return {
      runsOn: 'wasm',
      run(sample) {
        program.loadState(part(sample, true));
        return program.run(part(sample, false));
      },
    };
  } catch (error) {
    if (!(error instanceof QcError)) throw error;
    report(`${transformed.scheme}: runs in the interpreter, since it does not compile: ${error.diagnostic.what}`);
    const stream = new Stream(module);
    return { runsOn: 'interpreter', run: (sample) => stream.run(sample) };
  }
}

/**
 * Bytes of all constants of a module, as a program stores them: codes without gaps, and the scales of groups as f32.
 * Constants that several ops share count once.
 */
export function constantBytes(module: Module): number {
  const constants = new Map<Resource, number>();
  for (const op of module.ops()) {
    for (const value of Object.values(op.attributes)) {
      if (value instanceof Resource)
        constants.set(value, (narrowBytes(op, value) ?? spanBytes(op) ?? packedBytes(value)) + groupBytes(op));
    }
  }
  return [...constants.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Of codes that kernels store in fewer than 8 bits: the weights of contractions. */
function narrowBytes(op: Op, value: Resource): number | undefined {
  const uses = [...(op.results[0]?.uses ?? [])];
  const isWeights = uses.length > 0 && uses.every((use) => use.index === 1 && narrowing.has(use.op.name));
  if (!isWeights || value.element !== 'i8') return undefined;
  return Math.ceil((value.length * codeBits(value.data() as Int8Array)) / 8);
}

const narrowing: ReadonlySet<string> = new Set(['int.conv', 'int.matmul']);

/** Of codes that have widths by outputs. */
function spanBytes(op: Op): number | undefined {
  const type = op.results[0]?.type;
  const quant = type?.kind === 'tensor' ? quantOf(type) : undefined;
  const { widths } = quant?.params ?? {};
  if (type?.kind !== 'tensor' || !widths) return undefined;
  const [inputs, outputs] = staticShape(type) as [number, number];
  const bits = Array.from({ length: outputs }, (_, n) => widths[Math.floor(n / spanOutputs)] as number);
  return Math.ceil((bits.reduce((sum, one) => sum + one, 0) * inputs) / 8);
}

function packedBytes({ element, length, byteLength }: Resource): number {
  if (!isScalarType(element) || element === 'i1') return byteLength;
  const bits = bitsOf(element);
  return bits < 8 ? Math.ceil((length * bits) / 8) : byteLength;
}

/** Of the scales and zero points of a constant whose groups lie within a channel. */
function groupBytes(op: Op): number {
  const type = op.results[0]?.type;
  const quant = type?.kind === 'tensor' ? quantOf(type) : undefined;
  if (quant?.granularity.kind !== 'block') return 0;
  const { scale = [], zeroPoint = [] } = quant.params ?? {};
  return 4 * scale.length + (zeroPoint.some((z) => z !== zeroPoint[0]) ? zeroPoint.length : 0);
}
