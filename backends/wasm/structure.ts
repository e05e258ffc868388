import type binaryen from 'binaryen';
import {
  constant,
  constantOf,
  elementOf,
  forLoop,
  ifOp,
  type LanewiseName,
  lanesOf,
  lanewisePrimitives,
  load,
  loadSplat,
  returnOp,
  setting,
  share,
  store,
  table,
  vector,
  yieldOp,
} from '../../dialects/kernel/index.ts';
import { type Block, type Func, type Op, type OpDefinition, type Value, walk } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';
import { resizeMask } from './conversions.ts';
import { emitConstant, emitLanewise } from './lanewise.ts';
import { emitLoad, emitLoadSplat, emitStore, isAbsorbed } from './memory.ts';
import { InnermostLoop } from './pointers.ts';
import type { Binaryen } from './relaxed.ts';
import { emitTable } from './table.ts';
import { KernelContext, type LocalUses, type Register } from './values.ts';
import {
  emitAddPairs,
  emitConcat,
  emitDot,
  emitInterleave,
  emitReduce,
  emitSlice,
  emitSplat,
  emitSwizzle,
} from './vectors.ts';

/** Name of the global that holds the setting `dot_sign_mask` in the module of relaxed kernels. */
export const signMask = 'mask';

/** Names of the globals that hold which thread an instance is for, and of how many. */
export const threadNumber = 'thread';
export const threadCount = 'threads';

type EmitOp = (c: KernelContext, op: Op) => void;

const emitters = new Map<OpDefinition, EmitOp>([
  [constant, emitConstant],
  [load, emitLoad],
  [loadSplat, emitLoadSplat],
  [store, emitStore],
  [table, emitTable],
  [setting, emitSetting],
  [forLoop, emitFor],
  [ifOp, emitIf],
  [share, emitShare],
  [yieldOp, () => {}],
  [returnOp, () => {}],
  [vector.splat, emitSplat],
  [vector.concat, emitConcat],
  [vector.slice, emitSlice],
  [vector.interleave, emitInterleave],
  [vector.swizzle, emitSwizzle],
  [vector.addPairs, emitAddPairs],
  [vector.reduce, emitReduce],
  [vector.dot, emitDot],
  ...Object.entries(lanewisePrimitives).map(([name, { definition }]): [OpDefinition, EmitOp] => [
    definition,
    (c, op) => emitLanewise(c, name as LanewiseName, op),
  ]),
]);

/** Without relaxed instructions activations are signed: nothing is xor-ed into them. */
function emitSetting(c: KernelContext, op: Op): void {
  c.define(op.result, [() => (c.relaxed ? c.m.global.get(signMask, c.b.i32) : c.m.i32.const(0))]);
}

function emitOps(c: KernelContext, block: Block): void {
  for (const op of block.ops()) {
    if (isAbsorbed(op)) continue;
    const emit = emitters.get(op.definition);
    if (!emit) throw new InternalError(`the wasm target has no ${op.name}`);
    emit(c, op);
  }
}

/** Copies values into the locals of a loop's carried values, all at once. */
function assign(c: KernelContext, locals: readonly Carried[], values: readonly Value[]): void {
  const moves = locals.flatMap(({ numbers, type, value, width }, i) => {
    const next = values[i] as Value;
    const registers = c.registers(next);
    const fitting = elementOf(value) === 'i1' && c.width(next) !== width;
    const sources = fitting ? resizeMask(c, registers, lanesOf(next), c.width(next), width) : registers;
    return numbers.map((number, r) => ({ number, type, source: sources[r] as Register }));
  });
  // a carried value that moves to another's place is copied first; all others stay in locals of their own
  const own = new Set(locals.flatMap(({ value }) => c.registers(value)));
  const held = moves.map(({ source, type }) => {
    if (!own.has(source) || moves.length === 1) return () => c.settled(source);
    return c.copy(source(), type);
  });
  moves.forEach(({ number }, i) => {
    c.statement(c.m.local.set(number, (held[i] as Register)()));
  });
}

/** The locals of one carried value. */
interface Carried {
  readonly value: Value;
  readonly numbers: readonly number[];
  readonly type: binaryen.Type;
  readonly width: number;
}

/** do { … } while (i < upper), behind a test unless the loop is known to run. */
function emitFor(c: KernelContext, op: Op): void {
  const { m, b } = c;
  const { lower, upper, carried } = forLoop.operandsOf(op);
  const { step } = forLoop.attributesOf(op);
  const [body] = op.regions as [Block];
  const [i, ...inner] = body.args as [Value, ...Value[]];

  const locals = carried.map((start, n): Carried => {
    const value = inner[n] as Value;
    const type = c.localType(value);
    const width = c.width(start);
    const result = op.results[n] as Value;
    if (elementOf(value) === 'i1') for (const v of [value, result]) c.setMaskWidth(v, width);
    const numbers = Array.from({ length: c.count(value) }, () => c.local(type));
    const registers = numbers.map((number) => () => m.local.get(number, type));
    c.define(value, registers, c.depth + 1);
    c.define(result, registers);
    return { value, numbers, type, width };
  });
  assign(c, locals, carried);
  const counter = c.local(b.i32);
  c.define(i, [() => m.local.get(counter, b.i32)], c.depth + 1);
  c.statement(m.local.set(counter, c.scalar(lower)()));

  const label = `loop${counter}`;
  const isInnermost = ![...walk(body)].some((one) => forLoop.is(one));
  const innermost = isInnermost ? new InnermostLoop(c, i, lower, step) : undefined;
  const statements = c.inBlock(() => {
    c.innermost = innermost;
    emitOps(c, body);
    c.innermost = undefined;
    assign(c, locals, body.last?.operands as Value[]);
    for (const advance of innermost?.advances() ?? []) c.statement(advance);
    const next = m.i32.add(m.local.get(counter, b.i32), m.i32.const(step));
    c.statement(m.br(label, m.i32.lt_s(m.local.tee(counter, next, b.i32), c.scalar(upper)())));
  });
  for (const start of innermost?.starts() ?? []) c.statement(start);
  const loop = m.loop(label, m.block(null, statements, b.none));
  const [from, to] = [constantOf(lower), constantOf(upper)];
  const runs = from !== undefined && to !== undefined && from < to;
  c.statement(runs ? loop : m.if(m.i32.lt_s(c.scalar(lower)(), c.scalar(upper)()), loop));
}

/** lower + step · ⌊turns · thread / threads⌋, and the same of the next thread. */
function emitShare(c: KernelContext, op: Op): void {
  const { m, b } = c;
  const { lower, upper } = share.operandsOf(op);
  const { step } = share.attributesOf(op);
  const lowest = c.scalar(lower);
  const length = m.i32.sub(c.scalar(upper)(), lowest());
  const turns = c.copy(m.i32.div_s(m.i32.add(length, m.i32.const(step - 1)), m.i32.const(step)), b.i32);
  const [thread, threads] = [threadNumber, threadCount].map((name) => () => m.global.get(name, b.i32)) as [
    Register,
    Register,
  ];
  const bound = (number: binaryen.ExpressionRef): Register => {
    const turn = m.i32.div_s(m.i32.mul(turns(), number), threads());
    return c.copy(m.i32.add(lowest(), m.i32.mul(turn, m.i32.const(step))), b.i32);
  };
  c.define(op.results[0] as Value, [bound(thread())]);
  c.define(op.results[1] as Value, [bound(m.i32.add(thread(), m.i32.const(1)))]);
}

function emitIf(c: KernelContext, op: Op): void {
  const { m, b } = c;
  const condition = c.scalar(op.operand(0))();
  const statements = c.inBlock(() => emitOps(c, op.regions[0] as Block));
  c.statement(m.if(condition, m.block(null, statements, b.none)));
}

/** Adds a kernel to a module, as a function of its buffers' addresses. `relaxed` allows relaxed instructions. */
export function addKernel(b: Binaryen, m: binaryen.Module, kernel: Func, relaxed: boolean): void {
  const { args } = kernel.body;
  const build = (earlier?: LocalUses) => {
    const c = new KernelContext(b, m, relaxed, args, earlier);
    return { c, statements: c.inBlock(() => emitOps(c, kernel.body)) };
  };
  const { c, statements } = build(build().c.uses);
  const parameters = b.createType(args.map(() => b.i32));
  m.addFunction(kernel.name, parameters, b.none, c.locals, m.block(null, statements, b.none));
}
