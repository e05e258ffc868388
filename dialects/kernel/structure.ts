import { attr, defineOp } from '../../src/ir/index.ts';

/** A compile-time number, a scalar or the same in every lane of a vector. */
export const constant = defineOp({
  name: 'kernel.constant',
  summary: 'The number `value`, in every lane.',
  operands: {},
  attributes: { value: attr.float() },
  typing: 'declared',
});

/** for (i = lower; i < upper; i += step) carried = body(i, carried). */
export const forLoop = defineOp({
  name: 'kernel.for',
  summary: 'A counted loop: the region gets the counter and the carried values and yields the next ones.',
  operands: { lower: 'required', upper: 'required', carried: 'variadic' },
  attributes: {
    step: attr.int(1),
    /** Whether its turns, and those of the kernel's other such loops that are not inside it, may run in any order or at once. */
    independent: attr.bool(false),
  },
  results: 'variadic',
  regions: 1,
  effect: 'writes',
  typing: 'declared',
});

/** The part of a loop's range that one of several threads does. */
export const share = defineOp({
  name: 'kernel.share',
  summary:
    'The part of the range lower … upper that the thread which runs the kernel does: whole steps, counted from lower. The threads together do all of it.',
  operands: { lower: 'required', upper: 'required' },
  attributes: {
    step: attr.int(1),
    /** Whether the last turn may write again what the one before it writes. */
    overlaps: attr.bool(false),
  },
  results: ['from', 'to'],
  typing: 'declared',
});

/** What only some invocations do, such as those behind the last element. */
export const ifOp = defineOp({
  name: 'kernel.if',
  summary: 'Runs the region where the condition holds.',
  operands: { condition: 'required' },
  results: [],
  regions: 1,
  effect: 'writes',
  typing: 'declared',
});

/** The first op of a kernel that many invocations run at once; a kernel without it is run by one. */
export const grid = defineOp({
  name: 'kernel.grid',
  summary:
    'The kernel is run by `workgroups` groups of `size` invocations; gives the number of the group and of the invocation within it.',
  operands: {},
  attributes: { workgroups: attr.int(), size: attr.int() },
  results: ['workgroup', 'local'],
  typing: 'declared',
});

export const barrier = defineOp({
  name: 'kernel.barrier',
  summary:
    'All invocations of a group arrive, and see what the others wrote to the group’s memory, before one goes on.',
  operands: {},
  results: [],
  effect: 'writes',
  typing: 'declared',
});

/** Memory that the invocations of a group share. */
export const shared = defineOp({
  name: 'kernel.shared',
  summary: 'A buffer of `count` elements that one group of invocations shares; what it holds at first is not known.',
  operands: {},
  attributes: { count: attr.int() },
  effect: 'writes',
  typing: 'declared',
});

export const yieldOp = defineOp({
  name: 'kernel.yield',
  summary: 'The values that a region gives back.',
  operands: { values: 'variadic' },
  results: [],
  terminator: true,
  typing: 'declared',
});

export const returnOp = defineOp({
  name: 'kernel.return',
  summary: 'The end of a kernel.',
  operands: {},
  results: [],
  terminator: true,
  typing: 'declared',
});

/** A kernel run on tensors (before bufferize: its results are the tensors that it writes) or on buffers (after it). */
export const launch = defineOp({
  name: 'kernel.launch',
  summary: 'Runs a kernel function on sizes and buffers: those of its operands, then those that it writes.',
  operands: { buffers: 'variadic' },
  attributes: {
    /** The function for the target's baseline. */
    kernel: attr.string(),
    /** Functions that do the same where the machine has a feature: `{"relaxed-simd" = "name"}`. */
    variants: attr.any({}),
    multiply_adds: attr.int(0),
    /** The op whose work it is, such as `int.conv`. */
    op: attr.string(''),
    /** Further ops whose work is done in the same kernel: `nn.add Add_6`. */
    fused: attr.strings([]),
    /** By kernel function of a contraction: rows and outputs of its register tile. */
    tiles: attr.any({}),
    /** Operands whose buffer the result may take over: the kernel reads each element before it writes that place. */
    in_place: attr.ints([]),
    /** Groups of invocations, and invocations of a group, where the target has them: as the kernel's kernel.grid says. */
    grid: attr.ints([]),
    /** Whether it copies its second or its third buffer, by the first one's one element. */
    chooses: attr.bool(false),
    /** The symbol of a size that it finds: an i32 in the last buffer. It may be more than fits the bounds of the symbol. */
    finds: attr.string(''),
  },
  results: 'variadic',
  effect: 'writes',
  typing: 'declared',
});

/** Launches that run only on one way of a choice. */
export const when = defineOp({
  name: 'kernel.when',
  summary: 'Runs the launches of its region where the first byte of a buffer is not 0; where it is 0, without `holds`.',
  operands: { flag: 'required' },
  attributes: { holds: attr.bool(true) },
  results: [],
  regions: 1,
  effect: 'writes',
  typing: 'declared',
});

/** A place in the arena or among the weights, after planning. */
export const buffer = defineOp({
  name: 'kernel.buffer',
  summary: 'The buffer that begins `offset` bytes into its space; the space is in the type.',
  operands: {},
  attributes: { offset: attr.int(), bytes: attr.int() },
  typing: 'declared',
});

/** The first op of a planned @main: what callers need to know. */
export const signature = defineOp({
  name: 'kernel.signature',
  summary:
    'Names and tensor types of the arguments (inputs, then outputs; sizes behind them), and the sizes of the memory spaces.',
  operands: {},
  attributes: {
    input_names: attr.strings(),
    input_types: attr.any(),
    output_names: attr.strings(),
    output_types: attr.any(),
    arena_bytes: attr.int(),
    weights_bytes: attr.int(),
    /** What stays between runs: the names by which it comes and goes, types, and byte offsets into its space. */
    state_inputs: attr.strings([]),
    state_outputs: attr.strings([]),
    state_types: attr.any([]),
    state_offsets: attr.ints([]),
    state_bytes: attr.int(0),
    /** The symbols of sizes that the program keeps: what each is in the next run, and the most that it may be. */
    grown: attr.strings([]),
    grown_next: attr.dims([]),
    grown_max: attr.ints([]),
    /** The symbols of dimensions, whose values are the last arguments, and the least and greatest value of each. */
    symbols: attr.strings([]),
    symbol_bounds: attr.ints([]),
    /** Those of the symbols, the last ones, that launches find: callers give 0 for them. */
    found: attr.strings([]),
  },
  results: [],
  effect: 'writes',
  typing: 'declared',
});
