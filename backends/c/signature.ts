import { signatureOf } from '../../dialects/kernel/interpret.ts';
import {
  boundsOf,
  type Module,
  type ScalarType,
  type Size,
  sizeOf,
  storageOf,
  type TensorType,
} from '../../src/ir/index.ts';
import type { DType } from '../../src/support/tensor.ts';
import { identifier, Names } from '../clike/names.ts';
import { type CSize, sizesOf } from './sizes.ts';

/** An input or output of the generated function. */
export interface CPort {
  /** As the model calls it. */
  readonly name: string;
  /** As the C code calls it: `input_x`, `output_y`. */
  readonly identifier: string;
  readonly dtype: DType;
  /** At most. */
  readonly shape: readonly number[];
  /** The same to compute, where sizes are known when the program runs. */
  readonly sizes?: readonly Size[];
}

/** What a context keeps between runs. */
export interface CState {
  /** The input that it stands for. */
  readonly name: string;
  /** The output that becomes it. */
  readonly output: string;
  readonly dtype: DType;
  /** At most. */
  readonly shape: readonly number[];
  /** The same to compute, of one that grows. */
  readonly sizes?: readonly Size[];
  /** Bytes from the beginning of what NAME_save_state writes. */
  readonly offset: number;
}

/** What a caller of the generated code must know. */
export interface CSignature {
  /** Prefix of every symbol. */
  readonly name: string;
  /** What a run is told of sizes, and what the context keeps of them. */
  readonly sizes: readonly CSize[];
  readonly inputs: readonly CPort[];
  readonly outputs: readonly CPort[];
  readonly states: readonly CState[];
  /** Of the arena, what states take, at its end. */
  readonly stateBytes: number;
  /** All memory of a context. */
  readonly arenaBytes: number;
  readonly weightsBytes: number;
  readonly weights: 'inline' | 'external';
  /** Whether NAME_selftest exists. */
  readonly selftest: boolean;
  /** Whether several threads can run it: NAME_start_threads exists. */
  readonly threads?: boolean;
}

/** Statements that return a status where a condition holds. */
export const guard = (condition: string, status: string): string[] => [
  `  if (${condition}) {`,
  `    return ${status};`,
  '  }',
];

/** The ports of a planned program. */
export function portsOf(module: Module): { inputs: CPort[]; outputs: CPort[] } {
  const signature = signatureOf(module);
  const names = new Names();
  const ports = (prefix: string, given: readonly string[], types: readonly TensorType[]): CPort[] =>
    types.map((type, i) => ({
      name: given[i] as string,
      identifier: names.unique(`${prefix}_${identifier(given[i] as string)}`),
      dtype: storageOf(type.element) as Exclude<ScalarType, 'index'>,
      ...shapeOf(type, module),
    }));
  return {
    inputs: ports('input', signature.input_names, signature.input_types as readonly TensorType[]),
    outputs: ports('output', signature.output_names, signature.output_types as readonly TensorType[]),
  };
}

function shapeOf({ shape }: TensorType, module: Module): Pick<CPort, 'shape' | 'sizes'> {
  if (shape.every((dim) => typeof dim === 'number')) return { shape };
  const bounds = new Map(sizesOf(module).map(({ name, min, max }) => [name, { min, max }]));
  return { shape: shape.map((dim) => boundsOf(dim, bounds).max), sizes: shape.map(sizeOf) };
}

/** The states of a planned program. */
export function statesOf(module: Module): CState[] {
  const { state_inputs, state_outputs, state_types, state_offsets } = signatureOf(module);
  return (state_types as readonly TensorType[]).map((type, i) => ({
    name: state_inputs[i] as string,
    output: state_outputs[i] as string,
    dtype: storageOf(type.element) as Exclude<ScalarType, 'index'>,
    ...shapeOf(type, module),
    offset: state_offsets[i] as number,
  }));
}

/** Number of elements of a port, at most. */
export function countOf(port: Pick<CPort, 'shape'>): number {
  return port.shape.reduce((n, dim) => n * dim, 1);
}
