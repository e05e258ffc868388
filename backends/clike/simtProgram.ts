import { buffer, grid, launch, returnOp, signature, when } from '../../dialects/kernel/index.ts';
import { refusedOnDevices } from '../../kernels/index.ts';
import {
  type Func,
  type Module,
  type Op,
  type RefType,
  storageOf,
  storedElements,
  type TensorType,
  uniformParams,
  type Value,
} from '../../src/ir/index.ts';
import { invariant, QcError } from '../../src/support/diagnostics.ts';
import { type DType, elementBytes } from '../../src/support/tensor.ts';

/** An input, output or state, and where it lies in the program's memory, in bytes. */
export interface SimtTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly length: number;
  readonly address: number;
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

/** A kernel run by groups of invocations on buffers at constant places. */
export interface SimtLaunch {
  readonly kernel: Func;
  readonly workgroups: number;
  /** Invocations of a group. */
  readonly size: number;
  /** Bytes from the beginning of the weights, or of the memory. */
  readonly places: readonly number[];
  /** The model's node that it came from. */
  readonly source: string;
}

/** A planned program with everything else than weights in one memory: states, inputs, outputs, arena. */
export interface SimtProgram {
  readonly inputs: readonly SimtTensor[];
  readonly outputs: readonly SimtTensor[];
  readonly states: readonly SimtTensor[];
  readonly launches: readonly SimtLaunch[];
  readonly weights: Uint8Array;
  readonly memoryBytes: number;
  readonly arenaBytes: number;
  readonly stateBytes: number;
}

const alignment = 64;
/** Bytes behind every input, output and state that nothing is ever written to. */
export const gapBytes = 16;

const alignUp = (n: number) => Math.ceil(n / alignment) * alignment;

/** Lays out a planned module: the result of bufferize. */
export function readSimtProgram(module: Module): SimtProgram {
  const { main } = module;
  const first = main.body.first;
  invariant(signature.is(first), 'a planned main begins with its signature');
  const declared = signature.attributesOf(first);
  let next = 0;
  const place = (bytes: number) => {
    const address = next;
    next = alignUp(next + bytes + gapBytes);
    return address;
  };
  const stateAddress = place(declared.state_bytes);
  const tensors = (names: readonly string[], types: unknown, at?: readonly number[]) =>
    names.map((name, i) =>
      tensorAt(name, (types as readonly TensorType[])[i] as TensorType, at ? stateAddress + (at[i] as number) : place),
    );
  const states = tensors(declared.state_inputs, declared.state_types, declared.state_offsets);
  const inputs = tensors(declared.input_names, declared.input_types);
  const outputs = tensors(declared.output_names, declared.output_types);
  const bases: Record<string, number> = { weights: 0, state: stateAddress, arena: place(declared.arena_bytes) };

  const addresses = new Map<Value, number>(
    main.body.args.map((arg, i) => [arg, ([...inputs, ...outputs][i] as SimtTensor).address]),
  );
  const launches: SimtLaunch[] = [];
  for (const op of main.body.ops()) {
    if (buffer.is(op))
      addresses.set(op.result, (bases[(op.result.type as RefType).space] as number) + buffer.attributesOf(op).offset);
    else if (launch.is(op)) launches.push(launchOf(module, op, addresses));
    else if (when.is(op)) throw branchRefused(op);
    else invariant(op === first || returnOp.is(op), `${op.name} in a planned main`);
  }
  const weights = module.facts.get('weights')?.bytes() ?? new Uint8Array(0);
  const { arena_bytes: arenaBytes, state_bytes: stateBytes } = declared;
  return { inputs, outputs, states, launches, weights, memoryBytes: next, arenaBytes, stateBytes };
}

/** What runs is decided before: a list of launches has no branches. */
function branchRefused(op: Op): QcError {
  const { why, help } = refusedOnDevices.choices;
  return new QcError({ what: 'the model chooses what it computes by its data', where: op.source, why, help });
}

function tensorAt(name: string, type: TensorType, at: number | ((bytes: number) => number)): SimtTensor {
  const dtype = storageOf(type.element) as DType;
  const length = storedElements(type);
  const uniform = typeof type.element === 'string' ? undefined : uniformParams(type.element);
  const address = typeof at === 'number' ? at : at(length * elementBytes(dtype));
  const shape = type.shape.map(Number);
  return { name, dtype, shape, length, address, ...(uniform ? { quantization: uniform } : {}) };
}

const isWeights = (type: unknown): boolean => (type as RefType | undefined)?.space === 'weights';

function launchOf(module: Module, op: Op, addresses: ReadonlyMap<Value, number>): SimtLaunch {
  const { kernel: name } = launch.attributesOf(op);
  const kernel = module.functions.get(name);
  invariant(kernel, `there is no kernel @${name}`);
  const places = op.operands.map((operand, i) => {
    const address = operand && addresses.get(operand);
    invariant(address !== undefined, 'a launch on a buffer without an address');
    const declared = kernel.body.args[i]?.type as RefType | undefined;
    invariant(isWeights(operand?.type) === isWeights(declared), `@${name} takes a buffer for weights that is none`);
    return address;
  });
  const [head] = kernel.body.ops();
  const { workgroups, size } = grid.is(head) ? grid.attributesOf(head) : { workgroups: 1, size: 1 };
  return { kernel, workgroups, size, places, source: op.source };
}
