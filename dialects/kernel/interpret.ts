import type { Block, Func, Module, Op, TensorType, Value } from '../../src/ir/index.ts';
import { bindDim, staticShape, storageOf, storedBytes, symbol, tensor } from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import { bytesOfTensor, type DType, type HostTensor, viewBytes } from '../../src/support/tensor.ts';
import { elementsOf } from './buffers.ts';
import { type Order, runGrid } from './interpretGrid.ts';
import { type DotMeaning, type Machine, place } from './interpretOps.ts';
import * as structure from './structure.ts';

export interface KernelOptions {
  /** The contraction intrinsics by name, as in src/target. */
  readonly intrinsics: Readonly<Record<string, DotMeaning>>;
  /** Bytes behind a buffer that a load may reach into: the target's. Default 0. */
  readonly slack?: number;
  /** Values of `kernel.setting`; 0 where not given. */
  readonly settings?: Readonly<Record<string, number>>;
  /** The order in which invocations run. Default: as they are numbered. */
  readonly order?: Order;
  /** Every buffer holds a whole number of these bytes: the target's. Default 1. */
  readonly granule?: number;
}

export interface ProgramOptions extends KernelOptions {
  /** Runs the kernels of this variant where a launch has them, such as `relaxed-simd`. */
  readonly variant?: string;
  /** What the program keeps between runs, changed in place. Default: zeros. */
  readonly state?: Uint8Array;
}

/**
 * Runs a kernel in JavaScript on sizes, one for each of its scalar arguments, and on little-endian buffers, one for each
 * of the others, which may overlap.
 * Throws an InternalError when a load leaves its buffer by more than `slack` bytes, or a store leaves it at all.
 */
export function runKernel(
  func: Func,
  buffers: readonly Uint8Array[],
  options: KernelOptions,
  sizes: readonly number[] = [],
): void {
  const scalars = func.body.args.filter(({ type }) => type.kind === 'scalar');
  const args = func.body.args.slice(scalars.length);
  invariant(args.length === buffers.length, `@${func.name} takes ${args.length} buffers, not ${buffers.length}`);
  invariant(scalars.length === sizes.length, `@${func.name} takes ${scalars.length} sizes, not ${sizes.length}`);
  const machine: Machine = {
    where: `@${func.name}`,
    lanes: new Float64Array(countLanes(func.body)),
    places: new Map(),
    buffers: new Map(
      args.map((arg, i) => {
        invariant(arg.type.kind === 'ref', `argument ${i} of @${func.name} is no buffer`);
        const where = `@${func.name}, buffer ${arg.name ?? i}`;
        return [arg, elementsOf(buffers[i] as Uint8Array, arg.type.element, options.slack ?? 0, where)];
      }),
    ),
    invocation: { workgroup: 0, local: 0 },
    shared: [],
    intrinsics: options.intrinsics,
    settings: options.settings ?? {},
    used: 0,
  };
  scalars.forEach((scalar, i) => {
    machine.lanes[place(machine, scalar)] = sizes[i] as number;
  });
  runGrid(machine, func.body, options.order ?? ((i) => i));
}

/** Lanes of all values below a block. */
function countLanes(block: Block): number {
  let count = 0;
  const add = (value: Value) => {
    count += value.type.kind === 'vec' ? value.type.lanes : 1;
  };
  block.args.forEach(add);
  for (const op of block.ops()) {
    op.results.forEach(add);
    for (const region of op.regions) count += countLanes(region);
  }
  return count;
}

/** What no kernel has written yet. */
const UNWRITTEN = 0xa5;

/**
 * Runs a planned program in JavaScript: its signature says the types of `inputs` and of the results.
 * Throws an InternalError for an input of the wrong size, and as `runKernel` does.
 */
export function runProgram(module: Module, inputs: readonly HostTensor[], options: ProgramOptions): HostTensor[] {
  const { main } = module;
  const signature = signatureOf(module);
  const inputTypes = signature.input_types as readonly TensorType[];
  const outputTypes = signature.output_types as readonly TensorType[];
  const { granule = 1 } = options;
  const sizes = sizesOf(signature, inputs);
  const sized = (type: TensorType, given: ReadonlyMap<string, number> = sizes) =>
    tensor(
      type.shape.map((dim) => bindDim(dim, given)),
      type.element,
      type.layout,
    );
  const most = new Map([...sizes, ...mostFound(signature)]);
  const bound = new Map<Value, Uint8Array>();
  inputTypes.forEach((declared, i) => {
    const type = sized(declared);
    const bytes = inputs[i] ? bytesOfTensor(inputs[i]) : new Uint8Array(0);
    const name = signature.input_names[i];
    invariant(
      bytes.length === storedBytes(type),
      `input '${name}' takes ${storedBytes(type)} bytes, not ${bytes.length}`,
    );
    const whole = new Uint8Array(Math.ceil(bytes.length / granule) * granule).fill(UNWRITTEN);
    whole.set(bytes);
    bound.set(main.body.args[i] as Value, whole);
  });
  const outputs = outputTypes.map((type) =>
    new Uint8Array(Math.ceil(storedBytes(sized(type, most)) / granule) * granule).fill(UNWRITTEN),
  );
  outputs.forEach((bytes, i) => {
    bound.set(main.body.args[inputTypes.length + i] as Value, bytes);
  });
  const spaces = {
    arena: new Uint8Array(signature.arena_bytes).fill(UNWRITTEN),
    weights: module.facts.get('weights')?.bytes() ?? new Uint8Array(0),
    state: options.state ?? new Uint8Array(signature.state_bytes),
  };
  const run = (block: Block): void => {
    for (const op of block.ops()) {
      if (op.definition === structure.buffer) bound.set(op.result, placeOf(op, spaces));
      else if (structure.launch.is(op)) {
        launch(module, op, bound, options, [...sizes.values()]);
        const { finds } = structure.launch.attributesOf(op);
        if (finds !== '') sizes.set(finds, foundIn(op, bound, most.get(finds) as number));
      } else if (structure.when.is(op) && isTaken(op, bound)) run(op.regions[0] as Block);
    }
  };
  run(main.body);
  return outputs.map((bytes, i) => {
    const type = sized(outputTypes[i] as TensorType);
    const dtype = storageOf(type.element) as DType;
    return { dtype, shape: staticShape(type), data: viewBytes(dtype, bytes.slice(0, storedBytes(type))) };
  });
}

/** The greatest value of each size that launches find. */
function mostFound({ symbols, symbol_bounds, found }: ReturnType<typeof signatureOf>): [string, number][] {
  return found.map((name) => [name, symbol_bounds[2 * symbols.indexOf(name) + 1] as number]);
}

/** The size that a launch found. */
function foundIn(op: Op, bound: ReadonlyMap<Value, Uint8Array>, most: number): number {
  const bytes = bound.get(op.operands.at(-1) as Value) as Uint8Array;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  invariant(size <= most, `a launch found a size of ${size}, which was bounded by ${most}`);
  return size;
}

/** Whether the flag of a `kernel.when` is as it wants it. */
function isTaken(op: Op, bound: ReadonlyMap<Value, Uint8Array>): boolean {
  return Boolean(bound.get(op.operand(0))?.[0]) === structure.when.attributesOf(op as never).holds;
}

/** The attributes of the `kernel.signature` that a planned program begins with. */
export function signatureOf(module: Module): ReturnType<typeof structure.signature.attributesOf> {
  const { first } = module.main.body;
  if (!first || !structure.signature.is(first))
    throw new InternalError('@main has no kernel.signature: not planned yet');
  return structure.signature.attributesOf(first);
}

function placeOf(op: Op, spaces: Readonly<Record<'arena' | 'weights' | 'state', Uint8Array>>): Uint8Array {
  const { type } = op.result;
  const { offset, bytes } = structure.buffer.attributesOf(op);
  invariant(
    type.kind === 'ref' && (type.space === 'arena' || type.space === 'weights' || type.space === 'state'),
    `a buffer of type ${type.key}`,
  );
  const space = spaces[type.space];
  invariant(
    offset >= 0 && offset + bytes <= space.length,
    `bytes ${offset}+${bytes} of ${type.space}: ${space.length}`,
  );
  return space.subarray(offset, offset + bytes);
}

/** The values of a program's symbols, by the shapes of its inputs. */
function sizesOf(signature: ReturnType<typeof signatureOf>, inputs: readonly HostTensor[]): Map<string, number> {
  const shapes = (signature.input_types as readonly TensorType[]).flatMap(({ shape }, i) =>
    shape.map((dim, axis) => ({ dim, size: inputs[i]?.shape[axis] })),
  );
  return new Map(
    signature.symbols.map((name) => {
      if (signature.found.includes(name)) return [name, 0];
      const size = shapes.find(({ dim }) => dim === symbol(name))?.size;
      invariant(size !== undefined, `the inputs do not tell ${name}`);
      return [name, size];
    }),
  );
}

function launch(
  module: Module,
  op: Op,
  bound: ReadonlyMap<Value, Uint8Array>,
  options: ProgramOptions,
  sizes: readonly number[],
): void {
  const { kernel, variants } = structure.launch.attributesOf(op);
  const other = options.variant ? (variants as Record<string, string | undefined>)[options.variant] : undefined;
  const func = module.functions.get(other ?? kernel);
  invariant(func, `there is no kernel @${other ?? kernel}`);
  const buffers = op.operands.slice(sizes.length).map((operand) => {
    const bytes = operand && bound.get(operand);
    invariant(bytes, `a launch of @${func.name} has an operand that is no buffer`);
    return bytes;
  });
  runKernel(func, buffers, options, sizes);
}
