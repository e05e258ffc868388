import { buffer, launch, returnOp, signature, when, yieldOp } from '../../dialects/kernel/index.ts';
import {
  type Block,
  boundsOf,
  type Dim,
  type Func,
  type Module,
  type Op,
  physicalOrder,
  type Size,
  type SymbolBounds,
  sizeOf,
  storageOf,
  storedSize,
  type TensorType,
  uniformParams,
  type Value,
} from '../../src/ir/index.ts';
import { invariant, QcError } from '../../src/support/diagnostics.ts';
import { type DType, elementBytes } from '../../src/support/tensor.ts';
import { wasmTarget } from './target.ts';

/** A symbol of the program's sizes. */
export interface ProgramSymbol {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Its value in the next run, where the program keeps it. It begins at `min`, and no run takes it beyond `max`. */
  readonly next?: Size;
  /** Of one that data decide: the address of the i32 that holds it after a run. */
  readonly found?: number;
}

/** An input or output of the program. */
export interface ProgramTensor {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes, or the text of expressions over the program's symbols. */
  readonly shape: readonly (number | string)[];
  /** The same to compute with, where there are expressions. */
  readonly sizes?: readonly Size[];
  /** Elements in memory, at most. */
  readonly length: number;
  /** Byte address in the memory. */
  readonly address: number;
  /** How codes stand for real numbers, when the tensor is quantized with one scale. */
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

/** What stays in the memory between runs. `name` is that of the input; `output` is what becomes it. */
export interface ProgramState extends ProgramTensor {
  readonly output: string;
  /** The axes from outermost to innermost as they lie in memory, where that is not their order. */
  readonly order?: readonly number[];
}

/** A byte in the memory that must not be 0 (`holds`), or must be. */
export interface ProgramGuard {
  readonly address: number;
  readonly holds: boolean;
}

/** One call of a kernel on the program's sizes and constant addresses. */
export interface ProgramLaunch {
  readonly kernel: string;
  /** The kernel for machines with relaxed SIMD; it may be the same one, whose `mul_add` is then fused. */
  readonly relaxed: string | undefined;
  readonly addresses: readonly number[];
  /** What it waits for: flags in memory, the outermost first. */
  readonly guards: readonly ProgramGuard[];
  /** The place among the symbols of a size that it finds, the last of its addresses. */
  readonly finds: number | undefined;
  /** The model's node that it came from. */
  readonly source: string;
}

/** A planned program with everything at its place in one memory: weights, inputs, outputs, states, arena, slack. */
export interface Program {
  /** What is handed on to every kernel: what `run` takes, and behind that what launches find. */
  readonly symbols: readonly ProgramSymbol[];
  readonly inputs: readonly ProgramTensor[];
  readonly outputs: readonly ProgramTensor[];
  readonly states: readonly ProgramState[];
  readonly stateBytes: number;
  readonly launches: readonly ProgramLaunch[];
  readonly kernels: ReadonlyMap<string, Func>;
  readonly weights: Uint8Array;
  readonly weightsAddress: number;
  readonly arenaBytes: number;
  /** Size of the memory in pages of 64 KiB; it neither grows nor shrinks. */
  readonly pages: number;
}

const feature = 'relaxed-simd';
const pageBytes = 65536;
const maxPages = 65536;
/** Buffers begin at multiples of a cache line; nothing lies at the first one, so that no buffer has address 0. */
const alignment = 64;

const alignUp = (n: number) => Math.ceil(n / alignment) * alignment;

/** Lays out a planned module (the result of bufferize). Throws a QcError when it needs more than 4 GiB. */
export function readProgram(module: Module): Program {
  const { main } = module;
  const first = main.body.first;
  invariant(signature.is(first), 'a planned main begins with its signature');
  const declared = signature.attributesOf(first);
  const weights = module.facts.get('weights')?.bytes() ?? new Uint8Array(0);

  let next = alignment;
  const place = (bytes: number) => {
    const address = next;
    next = alignUp(next + bytes);
    return address;
  };
  const weightsAddress = place(weights.byteLength);
  const tensors = (names: readonly string[], types: unknown) =>
    names.map((name, i) => placeTensor(name, (types as readonly TensorType[])[i] as TensorType, bounds, place));
  const bounds = new Map<string, SymbolBounds>();
  const symbols = declared.symbols.map((name, i): ProgramSymbol => {
    const [min, max] = declared.symbol_bounds.slice(2 * i, 2 * i + 2) as [number, number];
    bounds.set(name, { min, max });
    const grown = declared.grown.indexOf(name);
    if (grown < 0) return { name, min, max };
    return { name, min, max: declared.grown_max[grown] as number, next: sizeOf(declared.grown_next[grown] as Dim) };
  });
  const held = new Map(symbols.map(({ name, min, max }) => [name, { min, max }]));
  const inputs = tensors(declared.input_names, declared.input_types);
  const outputs = tensors(declared.output_names, declared.output_types);
  const stateAddress = place(declared.state_bytes);
  const states = declared.state_inputs.map((name, i): ProgramState => {
    const type = (declared.state_types as readonly TensorType[])[i] as TensorType;
    const tensor = placeTensor(name, type, held, () => stateAddress + (declared.state_offsets[i] as number));
    const order = type.layout ? { order: physicalOrder(type.layout, type.shape.length) } : {};
    return { ...tensor, output: declared.state_outputs[i] as string, ...order };
  });
  const arenaAddress = place(declared.arena_bytes);
  const pages = Math.ceil((next + wasmTarget.slack) / pageBytes);
  if (pages > maxPages) {
    throw new QcError({
      what: `the program needs ${Math.ceil((next + wasmTarget.slack) / 2 ** 20)} MiB of memory`,
      why: 'a WebAssembly memory holds 4096 MiB',
      help: 'quantize the weights to fewer bits, or split the model',
    });
  }

  const addresses = new Map([...inputs, ...outputs].map(({ address }, i) => [main.body.args[i] as Value, address]));
  const launches: ProgramLaunch[] = [];
  const spaces: Record<string, number> = {
    weights: weightsAddress,
    state: stateAddress,
    arena: arenaAddress,
  };
  const read = (block: Block, guards: readonly ProgramGuard[]): void => {
    for (const op of block.ops()) {
      const { definition } = op;
      if (definition === buffer) addresses.set(op.result, bufferAddress(op, spaces));
      else if (definition === launch)
        launches.push(readLaunch(op, declared.symbols, (value) => addresses.get(value), guards));
      else if (when.is(op)) {
        const address = addresses.get(op.operand(0));
        invariant(address !== undefined, 'a flag without an address');
        read(op.regions[0] as Block, [...guards, { address, holds: when.attributesOf(op).holds }]);
      } else
        invariant(op === first || definition === returnOp || definition === yieldOp, `${op.name} in a planned main`);
    }
  };
  read(main.body, []);
  const found = new Map(launches.map(({ finds, addresses: own }) => [finds, own.at(-1)]));
  const kernels = new Map([...module.functions].filter(([, func]) => func.kind === 'kernel'));
  const { arena_bytes: arenaBytes, state_bytes: stateBytes } = declared;
  return {
    symbols: symbols.map((symbol, i) => ({ ...symbol, ...(found.has(i) ? { found: found.get(i) as number } : {}) })),
    inputs,
    outputs,
    states,
    stateBytes,
    launches,
    kernels,
    weights,
    weightsAddress,
    arenaBytes,
    pages,
  };
}

type Bounds = ReadonlyMap<string, SymbolBounds>;

function placeTensor(name: string, type: TensorType, symbols: Bounds, place: (bytes: number) => number): ProgramTensor {
  const storage = storageOf(type.element);
  invariant(storage !== 'index', 'a tensor of indices');
  const length = boundsOf(storedSize(type), symbols).max;
  const uniform = typeof type.element === 'string' ? undefined : uniformParams(type.element);
  return {
    name,
    dtype: storage,
    shape: type.shape.map((dim) => (typeof dim === 'number' ? dim : `${dim}`)),
    ...(type.shape.every((dim) => typeof dim === 'number') ? {} : { sizes: type.shape.map(sizeOf) }),
    length,
    address: place(length * elementBytes(storage)),
    ...(uniform ? { quantization: uniform } : {}),
  };
}

function bufferAddress(op: Op, spaces: Readonly<Record<string, number>>): number {
  const type = op.result.type;
  const start = type.kind === 'ref' ? spaces[type.space] : undefined;
  invariant(start !== undefined, 'a buffer lies among the weights, the states or in the arena');
  return start + buffer.attributesOf(op).offset;
}

function readLaunch(
  op: Op,
  symbols: readonly string[],
  addressOf: (value: Op['results'][number]) => number | undefined,
  guards: readonly ProgramGuard[],
): ProgramLaunch {
  const { kernel, variants, finds } = launch.attributesOf(op as never);
  const addresses = op.operands.slice(symbols.length).map((operand) => {
    const address = operand && addressOf(operand);
    invariant(address !== undefined, 'a launch on a buffer without an address');
    return address;
  });
  const relaxed = (variants as Readonly<Record<string, string>>)[feature];
  const place = finds === '' ? undefined : symbols.indexOf(finds);
  return { kernel, relaxed, addresses, guards, finds: place, source: op.source };
}
