import { forLoop, grid, ifOp, KernelBuilder, load, store } from '../../dialects/kernel/index.ts';
import type { Block, Func, Op, RefType, ScalarType, Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';

/** A kernel that is being made from another one. A value may have become several, its parts. */
export interface Rebuild {
  readonly k: KernelBuilder;
  /** Whether many invocations run the kernel. */
  readonly isDistributed: boolean;
  /** What a value of the old kernel has become: its only part. */
  of(value: Value): Value;
  parts(value: Value): readonly Value[];
}

export interface KernelRewrite {
  /** Element type in which the new kernel sees a buffer. */
  readonly element: (type: RefType) => ScalarType;
  /** Results of what stands for an op, the parts of each; undefined: the op as it is. */
  readonly op: (rebuild: Rebuild, op: Op) => readonly (readonly Value[])[] | undefined;
}

/** A kernel of the same name that does the same by other ops. */
export function rebuildKernel(func: Func, rewrite: KernelRewrite): Func {
  const k = new KernelBuilder(func.name, func.body.first?.source ?? '');
  const known = new Map<Value, readonly Value[]>();
  const rebuild: Rebuild = {
    k,
    isDistributed: [...func.body.ops()].some((op) => grid.is(op)),
    parts(value) {
      const parts = known.get(value);
      invariant(parts, `@${func.name}: an operand is not defined before it is used`);
      return parts;
    },
    of(value) {
      const [only, ...others] = rebuild.parts(value);
      invariant(only && others.length === 0, `@${func.name}: a value of several parts where one is expected`);
      return only;
    },
  };
  func.body.args.forEach((arg, i) => {
    const type = arg.type as RefType;
    known.set(arg, [k.buffer(arg.name ?? `buffer${i}`, rewrite.element(type), type.space)]);
  });
  rebuildBlock(func.body, rebuild, rewrite, known);
  return k.end();
}

function rebuildBlock(block: Block, rebuild: Rebuild, rewrite: KernelRewrite, known: Map<Value, readonly Value[]>) {
  for (const op of block.ops()) {
    if (op.definition.terminator) continue;
    const results = rewrite.op(rebuild, op) ?? rebuildOp(op, rebuild, rewrite, known);
    op.results.forEach((result, i) => {
      for (const part of results[i] as readonly Value[]) part.name ??= result.name;
      known.set(result, results[i] as readonly Value[]);
    });
  }
}

function rebuildOp(
  op: Op,
  rebuild: Rebuild,
  rewrite: KernelRewrite,
  known: Map<Value, readonly Value[]>,
): readonly (readonly Value[])[] {
  const { k, of, parts } = rebuild;
  if (forLoop.is(op)) return rebuildLoop(op, rebuild, rewrite, known);
  if (ifOp.is(op)) {
    k.if(of(op.operand(0)), () => rebuildBlock(op.regions[0] as Block, rebuild, rewrite, known));
    return [];
  }
  if (load.is(op)) {
    const { type } = op.result;
    return [[k.load(of(op.operand(0)), of(op.operand(1)), type.kind === 'vec' ? type.lanes : 1)]];
  }
  if (store.is(op)) {
    k.store(of(op.operand(0)), of(op.operand(1)), of(op.operand(2)), store.attributesOf(op).lanes);
    return [];
  }
  return k
    .copy(
      op,
      op.operands.flatMap((_, i) => parts(op.operand(i))),
    )
    .map((result) => [result]);
}

function rebuildLoop(
  op: Op,
  rebuild: Rebuild,
  rewrite: KernelRewrite,
  known: Map<Value, readonly Value[]>,
): readonly (readonly Value[])[] {
  const { k, of, parts } = rebuild;
  const region = op.regions[0] as Block;
  const [counter, ...carried] = region.args as [Value, ...Value[]];
  const starts = carried.map((_, i) => parts(op.operand(i + 2)));
  /** Consecutive values cut into the parts of each carried value. */
  const cut = (flat: readonly Value[]) => {
    let at = 0;
    return starts.map(({ length }) => {
      at += length;
      return flat.slice(at - length, at);
    });
  };
  const { step } = forLoop.attributesOf(op);
  const results = k.for(of(op.operand(0)), of(op.operand(1)), step, starts.flat(), (i, inner) => {
    known.set(counter, [i]);
    cut(inner).forEach((own, n) => {
      known.set(carried[n] as Value, own);
    });
    rebuildBlock(region, rebuild, rewrite, known);
    return (region.last as Op).operands.flatMap((_, n) => parts((region.last as Op).operand(n)));
  });
  return cut(results);
}
